/** How long a transaction that wrote is held, by how far the readers are behind. Pure. */

const DELAY_MS_MIN = 1

/** A session commits once a second then. More would look as if the writer were gone. */
export const DELAY_MS_MAX = 1000

export interface Throttled {
  readonly delayMs: number
  /** Of the reader that is furthest behind. */
  readonly lagMs: number
}

/**
 * The next delay, given the last one and what was seen with it. It doubles while the lag is over the target and grows,
 * stays while that falls, and is halved below: so it finds what the readers can bear, without knowing them.
 */
export function nextDelay(before: Throttled, { lagMs, targetMs }: { lagMs: number; targetMs: number }): number {
  if (lagMs === 0) return 0
  if (lagMs <= targetMs) return before.delayMs < 2 * DELAY_MS_MIN ? 0 : before.delayMs / 2
  if (lagMs < before.lagMs && before.delayMs > 0) return before.delayMs
  return Math.min(Math.max(2 * before.delayMs, DELAY_MS_MIN), DELAY_MS_MAX)
}
