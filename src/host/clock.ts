/** Time as a port. Code outside `host/` never calls `Date.now` or `setTimeout`: it is given a {@link Clock}. */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Monotonic milliseconds since an arbitrary start. For measuring spans. */
  monotonic(): number
  /** Calls `run` once after `delayMs` (capped at what a timer can hold). The caller owns the timer and cancels it. */
  after(delayMs: number, run: () => void): Timer
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export interface Timer {
  cancel(): void
}

/** Node holds a delay in a signed 32-bit integer and fires at once beyond it. */
const DELAY_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX))
    return { cancel: () => clearTimeout(timer) }
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal!.reason as Error)
      }
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        Math.min(Math.max(delayMs, 0), DELAY_MS_MAX),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}
