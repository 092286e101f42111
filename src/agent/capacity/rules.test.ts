import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GIB } from '#base/bytes.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { demandOf, nextCapacity, withinRange, type CapacityState, type Load } from './rules.ts'

const RANGE = { minAcu: 0.5, maxAcu: 16 }
const IDLE: Load = { vcpus: 0, memoryBytes: 0, connections: 0 }

/** Looks every five seconds, as agents do: the capacity after each. */
async function looks(
  clock: SimulatedClock,
  from: CapacityState,
  { load, count, floorAcu }: { load: Load; count: number; floorAcu?: number },
): Promise<{ state: CapacityState; acus: number[] }> {
  let state = from
  const acus: number[] = []
  for (let i = 0; i < count; i++) {
    await clock.advance(5_000)
    state = nextCapacity(state, load, { ...RANGE, nowMs: clock.monotonic(), floorAcu })
    acus.push(state.acu)
  }
  return { state, acus }
}

const at = (acu: number): CapacityState => ({ acu, calmSinceMs: undefined })

test('capacity doubles at every look until the load has what it asks for', async () => {
  // Two busy processors are 11.4 ACUs with some to spare.
  const { acus } = await looks(new SimulatedClock(), at(0.5), { load: { ...IDLE, vcpus: 2 }, count: 6 })
  assert.deepEqual(acus, [1.5, 3, 6, 11.5, 11.5, 11.5])
})

test('capacity shrinks when the load has asked for less for a minute, by a tenth at each look', async () => {
  const clock = new SimulatedClock()
  const { acus } = await looks(clock, at(16), { load: IDLE, count: 15 })
  assert.deepEqual(
    acus.slice(0, 12),
    Array.from({ length: 12 }, () => 16),
  )
  assert.deepEqual(acus.slice(12), [14.5, 13.5, 12.5])
  const { state, acus: more } = await looks(clock, { acu: 12.5, calmSinceMs: 0 }, { load: IDLE, count: 40 })
  assert.equal(state.acu, 0.5)
  assert.ok(more.every((acu, i) => i === 0 || acu <= more[i - 1]!))
})

test('a moment of load begins the minute of calm anew', async () => {
  const clock = new SimulatedClock()
  const calm = await looks(clock, at(4), { load: IDLE, count: 11 })
  const busy = await looks(clock, calm.state, { load: { ...IDLE, vcpus: 0.7 }, count: 1 })
  assert.deepEqual(busy.state, { acu: 4, calmSinceMs: undefined })
  assert.equal((await looks(clock, busy.state, { load: IDLE, count: 11 })).state.acu, 4)
})

test('memory and connections ask for capacity, too', () => {
  assert.ok(demandOf({ ...IDLE, memoryBytes: 8 * GIB }) > 4)
  const connections = demandOf({ ...IDLE, connections: 450 })
  assert.ok(connections > 1.9 && connections < 2.1)
  assert.equal(demandOf({ vcpus: undefined, memoryBytes: undefined, connections: undefined }), 0)
})

test('capacity stays within its range, in half steps, and an engine that runs has half an ACU', () => {
  assert.equal(withinRange(0, { minAcu: 0, maxAcu: 4 }), 0.5)
  assert.equal(withinRange(2.1, { minAcu: 0, maxAcu: 4 }), 2.5)
  assert.equal(withinRange(100, { minAcu: 0, maxAcu: 4 }), 4)
  assert.equal(withinRange(0, { minAcu: 3, maxAcu: 4 }), 3)
  // A range that was changed holds at the next look.
  assert.equal(nextCapacity(at(64), { ...IDLE, vcpus: 64 }, { minAcu: 1, maxAcu: 8, nowMs: 0 }).acu, 8)
})

test('a reader that goes with its writer has as much at once, and no less', async () => {
  const clock = new SimulatedClock()
  const { state, acus } = await looks(clock, at(0.5), { load: IDLE, count: 30, floorAcu: 8 })
  assert.equal(acus[0], 8)
  assert.equal(state.acu, 8)
  assert.ok((await looks(clock, state, { load: IDLE, count: 20 })).state.acu < 8)
})
