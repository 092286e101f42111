import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'

/** Longest that one job on an engine may take: fetching binaries over a slow line and copying a large volume included. */
export const engineDeadlineMs = 6 * HOUR_MS

/** An engine that does not start or stop within this is not going to. */
export const restartDeadlineMs = 30 * MINUTE_MS

/** Flows that wait for a time of the calendar may be in one step for long. */
export const timerDeadlineMs = 400 * 24 * HOUR_MS
