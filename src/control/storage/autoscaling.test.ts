import assert from 'node:assert/strict'
import test from 'node:test'
import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { decideScaling, type ScalingView } from './autoscaling.ts'

const NOW = Date.UTC(2026, 0, 1)

/** Everything in it is as it must be for growing. */
const READY: ScalingView = {
  now: NOW,
  allocated: 100,
  max: 1000,
  typeMax: 65_536,
  quotaLeft: 100_000,
  queued: undefined,
  lowSince: NOW - 5 * MINUTE_MS,
  changedAt: NOW - 6 * HOUR_MS,
  isFree: true,
  growthPerHour: undefined,
  speed: 1,
}
const decide = (more: Partial<ScalingView>): ReturnType<typeof decideScaling> => decideScaling({ ...READY, ...more })
const grown = (more: Partial<ScalingView>): number | undefined => {
  const decision = decide(more)
  return decision.do === 'scale' ? decision.to : undefined
}

test('storage grows when all conditions hold, and not one moment before', () => {
  assert.deepEqual(decide({}), { do: 'scale', to: 110, reachesMax: false, nearsMax: false })
  assert.deepEqual(decide({ lowSince: NOW - 5 * MINUTE_MS + 1 }), { do: 'wait', ms: 1, why: 'not low for long' })
  assert.deepEqual(decide({ changedAt: NOW - 6 * HOUR_MS + 1 }), { do: 'wait', ms: 1, why: 'cooling off' })
})

test('storage that was never changed does not have to cool off', () => {
  assert.equal(grown({ changedAt: undefined }), 110)
})

test('it does not grow where that is off, or enough is free', () => {
  for (const more of [{ max: undefined }, { max: 0 }, { max: 100 }, { max: 50 }, { lowSince: undefined }])
    assert.deepEqual(decide(more), { do: 'nothing' }, JSON.stringify(more))
})

test('it does not grow while something else is done to the instance', () => {
  assert.deepEqual(decide({ isFree: false }), { do: 'wait', ms: MINUTE_MS, why: 'busy' })
})

test('the step is the greatest of ten GiB, a tenth, and the growth of seven hours', () => {
  assert.equal(grown({ allocated: 20 }), 30)
  assert.equal(grown({ allocated: 99 }), 109)
  assert.equal(grown({ allocated: 110 }), 121)
  assert.equal(grown({ allocated: 205 }), 226)
  assert.equal(grown({ growthPerHour: 1 }), 110)
  assert.equal(grown({ growthPerHour: 1.5 }), 111)
  assert.equal(grown({ growthPerHour: 20 }), 240)
})

test('it grows to the threshold and not beyond', () => {
  assert.deepEqual(decide({ max: 110 }), { do: 'scale', to: 110, reachesMax: true, nearsMax: false })
  assert.deepEqual(decide({ max: 105 }), { do: 'scale', to: 105, reachesMax: true, nearsMax: false })
  assert.deepEqual(decide({ max: 120, growthPerHour: 50 }), { do: 'scale', to: 120, reachesMax: true, nearsMax: false })
})

test('near the threshold is four fifths of it', () => {
  assert.deepEqual(decide({ max: 138 }), { do: 'scale', to: 110, reachesMax: false, nearsMax: false })
  assert.deepEqual(decide({ max: 137 }), { do: 'scale', to: 110, reachesMax: false, nearsMax: true })
})

test('a size that the user asked for and is more is what it comes to', () => {
  assert.equal(grown({ queued: 150 }), 150)
  assert.equal(grown({ queued: 105 }), 110)
  assert.equal(grown({ queued: 2000, max: 1000 }), 2000)
})

test('it gives up at the limits of the type and of the account', () => {
  assert.equal(grown({ typeMax: 105 }), 105)
  assert.deepEqual(decide({ typeMax: 100 }), { do: 'give up', why: 'type' })
  assert.deepEqual(decide({ quotaLeft: 9 }), { do: 'give up', why: 'quota' })
  assert.equal(grown({ quotaLeft: 10 }), 110)
})

test('scaled times are shorter, and sizes are not', () => {
  assert.deepEqual(decide({ speed: 10, lowSince: NOW }), { do: 'wait', ms: 30_000, why: 'not low for long' })
  assert.deepEqual(decide({ speed: 10, changedAt: NOW }), { do: 'wait', ms: 2_160_000, why: 'cooling off' })
  assert.equal(grown({ speed: 10 }), 110)
})
