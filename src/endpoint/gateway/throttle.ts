/**
 * How long sessions that write are held after each transaction, and until when that is in force at the longest: whoever
 * ordered it says so again and again, so that its end leaves nobody slow.
 */
import type { Clock } from '#host/clock.ts'

export class Throttle {
  private readonly clock: Clock
  private delayMs = 0
  private endsAt = 0
  private readonly held = new Set<() => void>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** In force for those who come to the end of a transaction from now on; none also frees those who are held. */
  set(delayMs: number, forMs: number): void {
    this.delayMs = delayMs
    this.endsAt = this.clock.monotonic() + forMs
    if (delayMs === 0) for (const release of [...this.held]) release()
  }

  /** Calls `then` after the delay, and answers true; false: there is none. */
  hold(then: () => void): boolean {
    const ms = Math.min(this.delayMs, this.endsAt - this.clock.monotonic())
    if (ms <= 0) return false
    const release = (): void => {
      timer.cancel()
      this.held.delete(release)
      then()
    }
    const timer = this.clock.after(ms, release)
    this.held.add(release)
    return true
  }
}
