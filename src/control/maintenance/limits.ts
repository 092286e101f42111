import { DAY_MS, MINUTE_MS } from '#base/durations.ts'

/** What nobody asked for is announced at least this long before it is done, so that somebody can choose the time. */
export const NOTICE_MS = 7 * DAY_MS

/** AWS: RDS User Guide, "Automatic server certificate rotation": at half of the certificate's life of a year. */
export const CERTIFICATE_AGE_MS = 183 * DAY_MS

/** A certificate that is this near its end is rotated whatever the maintenance window says. */
export const CERTIFICATE_FORCED_MS = 14 * DAY_MS

/** What was forced and failed is tried again after this. */
export const FORCED_AGAIN_MS = DAY_MS

/** How late, at most, an action begins in its window. */
export const LOOK_MS = MINUTE_MS
