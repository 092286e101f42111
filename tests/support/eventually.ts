import assert from 'node:assert/strict'
import { systemClock } from '#host/clock.ts'

/** Only decides how a broken test ends. */
const PATIENCE_MS = 30_000

/** Looks again and again until there is something to see, and gives that. `what` says what should come to be. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = systemClock.monotonic() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    assert.ok(systemClock.monotonic() < until, `${what} within ${PATIENCE_MS} ms`)
    await systemClock.sleep(10)
  }
}
