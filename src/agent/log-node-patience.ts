/** How long a log node is waited for, and what is said when that was in vain. */
import { Trouble } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'

interface Late {
  readonly patienceMs: number
  /** What the log node does not do. */
  readonly complaint: string
  readonly onLate?: () => void
}

/** Rejects where the promise has not settled in time. */
export async function within<T>(
  clock: Clock,
  promise: Promise<T>,
  { patienceMs, complaint, onLate }: Late,
): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = clock.after(patienceMs, () => {
    onLate?.()
    late.reject(trouble(complaint))
  })
  try {
    await Promise.race([promise, late.promise])
  } finally {
    timer.cancel()
  }
}

export const trouble = (what: string): Trouble =>
  new Trouble(`the log node ${what}`, { culprit: 'peer', retryable: true })

/** Nobody may be waiting for it when it fails. */
export function expectation(): PromiseWithResolvers<void> {
  const expected = Promise.withResolvers<void>()
  expected.promise.catch(() => {})
  return expected
}
