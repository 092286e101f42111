import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** Longest that one job on an engine may take: fetching binaries over a slow line and copying a large volume included. */
export const engineDeadlineMs = 6 * HOUR_MS

/** An engine that does not start or stop within this is not going to. */
export const restartDeadlineMs = 30 * MINUTE_MS

/** An instance in the middle of something is looked at again this often, besides every time that a flow of it ends. */
export const busyLookMs = MINUTE_MS

/** Flows that wait for a time of the calendar may be in one step for long. */
export const timerDeadlineMs = 400 * 24 * HOUR_MS

/** Commits wait this long for a standby that is silent, before they go on without. One that has ended is not waited for. */
export const standbyGraceMs = 3 * SECOND_MS

/** A standby that has not come to stream within this is made anew; a step that failed too often is rested for as long. */
export const standbyPatienceMs = MINUTE_MS

/**
 * What is left of a rest of standbyPatienceMs that ends at `until`; nothing, or less, when it is over. One that is longer
 * than that is the clock's, which was set back: it is over too.
 */
export function restLeftMs(until: number | undefined, now: number): number {
  const leftMs = (until ?? 0) - now
  return leftMs > standbyPatienceMs ? 0 : leftMs
}

/** While a standby is copied its primary is looked at this often: nobody takes over until the copy is given up. */
export const copyLookMs = SECOND_MS

/** Ending an engine at once takes moments. A host that cannot do even that is left behind. */
export const fenceDeadlineMs = 10 * SECOND_MS
