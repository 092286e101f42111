import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { LOGNODE_LOOK_MS, LOGNODE_MISSES_MAX, PUNCTUAL_MS } from './limits.ts'
import { SilenceWatch } from './silence.ts'

function watched(): { clock: SimulatedClock; watch: SilenceWatch; counts: { asked: number; silent: number } } {
  const clock = new SimulatedClock()
  const counts = { asked: 0, silent: 0 }
  const watch = new SilenceWatch({ clock, ask: () => counts.asked++, silent: () => counts.silent++ })
  watch.begin()
  return { clock, watch, counts }
}

async function looks(clock: SimulatedClock, count: number): Promise<void> {
  for (let look = 0; look < count; look++) await clock.advance(LOGNODE_LOOK_MS)
}

test('whoever answers is left alone', async () => {
  const { clock, watch, counts } = watched()
  for (let look = 0; look < 3 * LOGNODE_MISSES_MAX; look++) {
    await looks(clock, 1)
    watch.heard()
  }
  assert.deepEqual(counts, { asked: 3 * LOGNODE_MISSES_MAX, silent: 0 })
})

test('one that says nothing at several looks in a row is silent, once', async () => {
  const { clock, watch, counts } = watched()
  await looks(clock, LOGNODE_MISSES_MAX)
  watch.heard()
  await looks(clock, LOGNODE_MISSES_MAX)
  assert.equal(counts.silent, 0)
  await looks(clock, 1)
  assert.equal(counts.silent, 1)
  await looks(clock, 3 * LOGNODE_MISSES_MAX)
  assert.equal(counts.silent, 1)
})

test('a process that itself stood still has missed nothing meanwhile', async () => {
  const clock = new SimulatedClock()
  const counts = { silent: 0 }
  // As where the machine has other things to do: each timer comes late.
  const late = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (spanMs: number) => clock.sleep(spanMs),
    after: (spanMs: number, run: () => void) => clock.after(spanMs + PUNCTUAL_MS + 1, run),
  }
  const watch = new SilenceWatch({ clock: late, ask: () => {}, silent: () => counts.silent++ })
  watch.begin()
  await looks(clock, 10 * LOGNODE_MISSES_MAX)
  assert.equal(counts.silent, 0)
})
