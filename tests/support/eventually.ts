import { systemClock } from '#host/clock.ts'

/** Only decides how a broken test ends. */
const PATIENCE_MS = 120_000

/**
 * Looks again and again until there is something to see, and gives that: for what nothing announces, such as a status of
 * an API or a process that goes. `what` says what should come to be. A look that throws has not seen it yet.
 */
export async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = systemClock.monotonic() + PATIENCE_MS
  let last: unknown
  while (systemClock.monotonic() < until) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    await systemClock.sleep(10)
  }
  throw new Error(`never came within ${PATIENCE_MS} ms: ${what}`, { cause: last })
}
