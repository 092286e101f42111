import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** `stop` waits for this long. A database with much in memory takes minutes to write it. Milliseconds. */
export const STOP_MS_MAX = 5 * MINUTE_MS

/** How often `stop` looks whether Holdfast still answers. Milliseconds. */
export const STOP_LOOK_MS = 50

/** `start --detach` waits for `Ready.` for this long: the first start on a slow disk takes seconds. Milliseconds. */
export const START_MS_MAX = MINUTE_MS

/** How often `start --detach` looks whether Holdfast answers. Milliseconds. */
export const START_LOOK_MS = 50

/** How often `logs --follow` asks for more. Each is one small request. Milliseconds. */
export const FOLLOW_MS = SECOND_MS

/** Lines that `logs` begins with unless told otherwise. */
export const LOG_LINES = '100'

/** RDS gives at most a megabyte, about 10,000 lines, in one portion. */
export const LOG_LINES_MAX = 10_000
