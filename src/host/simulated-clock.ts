import type { Clock } from './clock.ts'

interface Due {
  at: number
  order: number
  run: () => void
}

/**
 * A clock that moves only when told to. `advance` runs everything that falls due, in order of time, and lets promises
 * settle between two timers, so that a timer set by another timer's work is seen too.
 */
export class SimulatedClock implements Clock {
  private at: number
  private order = 0
  private readonly due = new Set<Due>()

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.at = startMs
  }

  now(): number {
    return this.at
  }

  monotonic(): number {
    return this.at
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const entry: Due = { at: this.at + Math.max(delayMs, 0), order: this.order++, run }
    this.due.add(entry)
    return { cancel: () => this.due.delete(entry) }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const timer = this.after(delayMs, resolve)
      signal?.addEventListener(
        'abort',
        () => {
          timer.cancel()
          reject(signal.reason as Error)
        },
        { once: true },
      )
    })
  }

  async advance(spanMs: number): Promise<void> {
    const until = this.at + spanMs
    for (;;) {
      await settle()
      const next = [...this.due].filter((d) => d.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (!next) break
      this.due.delete(next)
      this.at = Math.max(this.at, next.at)
      next.run()
    }
    this.at = until
    await settle()
  }
}

/** Lets every promise that can settle without I/O do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}
