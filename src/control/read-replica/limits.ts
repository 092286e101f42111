import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** AWS: RDS User Guide, "Working with read replicas for Amazon RDS for PostgreSQL": fifteen of one source, three in a chain. */
export const REPLICAS_MAX = 15
export const LEVELS_MAX = 3

/** AWS: the same, "Limitations in creating cross-Region read replicas". */
export const CHAIN_REGIONS_MAX = 2

/** First version in which replicas of replicas can be had. AWS: RDS User Guide, "Using cascading read replicas". */
export const CASCADE_MAJOR_MIN = 14

/** How often a replica that does not stream is looked at, besides whenever its agent reports something. */
export const TROUBLE_LOOK_MS = 2 * SECOND_MS

/** A standby dials its source twice a second: one that has not reached it for so long is told anew where it is. */
export const RECONNECT_EVERY_MS = 5 * SECOND_MS

/** One that streams is looked at this seldom: the agent reports every change. */
export const CALM_LOOK_MS = MINUTE_MS

/** How long a replica that has just been made is waited for. It has to catch up with what was written meanwhile. */
export const FIRST_STREAM_MS_MAX = 2 * MINUTE_MS

/** An obstacle that is seen must last so long before a replica is made anew because of it. */
export const OBSTACLE_MS_MIN = 3 * SECOND_MS

/** A remedy that did not help is tried again after this long: a full disk is not emptied by trying. */
export const REMEDY_PAUSE_MS = MINUTE_MS

/** A replica that could not be given archived log, for a reason that may pass, is copied anew after so many failures in a row. */
export const CATCH_UP_TRIES_MAX = 5

/** So many jobs in a row may find it held up, as by a query of a reader: ten minutes. */
export const VAIN_CATCH_UPS_MAX = 25
