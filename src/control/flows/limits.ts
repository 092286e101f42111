import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'

/** Longest that one job on an engine may take: fetching binaries over a slow line and copying a large volume included. */
export const engineDeadlineMs = 6 * HOUR_MS

/** An engine that does not start or stop within this is not going to. */
export const restartDeadlineMs = 30 * MINUTE_MS

/** An instance in the middle of something is looked at again this often, besides every time that a flow of it ends. */
export const busyLookMs = MINUTE_MS

/** Flows that wait for a time of the calendar may be in one step for long. */
export const timerDeadlineMs = 400 * 24 * HOUR_MS
