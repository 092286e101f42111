import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { Throttle } from './throttle.ts'

/** Who is held, and whether they still are. */
function held(throttle: Throttle): { isHeld: boolean } {
  const one = { isHeld: true }
  one.isHeld = throttle.hold(() => (one.isHeld = false))
  return one
}

test('nobody is held where nothing was ordered, and for as long as was ordered', async () => {
  const clock = new SimulatedClock()
  const throttle = new Throttle(clock)
  assert.equal(held(throttle).isHeld, false)
  throttle.set(500, 10_000)
  const one = held(throttle)
  await clock.advance(499)
  assert.equal(one.isHeld, true)
  await clock.advance(1)
  assert.equal(one.isHeld, false)
})

test('an order that is not given again ends, and frees whoever is held by it', async () => {
  const clock = new SimulatedClock()
  const throttle = new Throttle(clock)
  throttle.set(3_600_000, 10_000)
  const one = held(throttle)
  await clock.advance(9_999)
  assert.equal(one.isHeld, true)
  await clock.advance(1)
  assert.equal(one.isHeld, false)
  assert.equal(held(throttle).isHeld, false)
})

test('an order that is given again holds whoever is held on, until it is withdrawn', async () => {
  const clock = new SimulatedClock()
  const throttle = new Throttle(clock)
  throttle.set(3_600_000, 10_000)
  const one = held(throttle)
  for (let seconds = 0; seconds < 60; seconds++) {
    await clock.advance(1_000)
    throttle.set(3_600_000, 10_000)
  }
  assert.equal(one.isHeld, true)
  throttle.set(0, 10_000)
  assert.equal(one.isHeld, false)
})
