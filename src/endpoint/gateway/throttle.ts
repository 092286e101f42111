/**
 * How long sessions that write are held after each transaction, and until when that is in force at the longest: whoever
 * ordered it says so again and again, so that its end leaves nobody slow.
 */
import type { Clock, Timer } from '#host/clock.ts'

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

  /** Calls `then` after the delay, or when it is in force no more, and answers true; false: there is none. */
  hold(then: () => void): boolean {
    const since = this.clock.monotonic()
    if (this.leftMs(since) <= 0) return false
    let timer: Timer | undefined
    const release = (): void => {
      timer?.cancel()
      this.held.delete(release)
      then()
    }
    // What was ordered again meanwhile is in force for longer than it was.
    const wait = (): void => {
      const ms = this.leftMs(since)
      if (ms <= 0) return release()
      timer = this.clock.after(ms, wait)
    }
    this.held.add(release)
    wait()
    return true
  }

  /** For somebody who is held since then. */
  private leftMs(since: number): number {
    const now = this.clock.monotonic()
    return Math.min(since + this.delayMs, this.endsAt) - now
  }
}
