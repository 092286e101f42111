import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LagTrace, MARKS_MAX } from './replica-lag.ts'
import { nextDelay, DELAY_MS_MAX } from './throttle-delay.ts'

test('a reader is behind by the age of the oldest log that it has not reached', () => {
  const trace = new LagTrace()
  for (const [at, lsn] of [
    [1000, 10n],
    [2000, 20n],
    [3000, 30n],
  ] as const)
    trace.note(at, lsn)
  assert.equal(trace.lagMs(3000, 30n), 0)
  assert.equal(trace.lagMs(3000, 25n), 0)
  assert.equal(trace.lagMs(3000, 15n), 1000)
  assert.equal(trace.lagMs(3500, 5n), 2500)
})

test('an idle writer makes no lag, nor does its first commit afterwards', () => {
  const trace = new LagTrace()
  for (let at = 0; at <= 3_600_000; at += 1000) {
    trace.note(at, 10n)
    trace.forget(10n)
  }
  assert.equal(trace.lagMs(3_600_000, 10n), 0)
  trace.note(3_601_000, 11n)
  assert.equal(trace.lagMs(3_601_000, 10n), 0)
  assert.equal(trace.lagMs(3_602_000, 10n), 1000)
})

test('of a lag that lasts for days the beginning is remembered, and not every second', () => {
  const trace = new LagTrace()
  for (let n = 1; n <= 20 * MARKS_MAX; n++) trace.note(n * 1000, BigInt(n))
  const at = 20 * MARKS_MAX * 1000
  assert.equal(trace.lagMs(at, 0n), at - 1000)
})

test('a log that ends earlier than it did is another one', () => {
  const trace = new LagTrace()
  trace.note(1000, 100n)
  trace.note(2000, 50n)
  assert.equal(trace.lagMs(2000, 50n), 0)
})

test('the delay grows while the lag is over the target and does not fall, and goes when it is below', () => {
  const delays: number[] = []
  let before = { delayMs: 0, lagMs: 0 }
  const see = (lagMs: number): void => {
    before = { delayMs: nextDelay(before, { lagMs, targetMs: 1000 }), lagMs }
    delays.push(before.delayMs)
  }
  for (const lagMs of [500, 1000, 1500, 2000, 2500, 2400, 2300, 2600, 900, 800, 800, 800]) see(lagMs)
  assert.deepEqual(delays, [0, 0, 1, 2, 4, 4, 4, 8, 4, 2, 1, 0])
  for (let lagMs = 2000; lagMs < 40_000; lagMs += 1000) see(lagMs)
  assert.equal(before.delayMs, DELAY_MS_MAX)
  see(0)
  assert.equal(before.delayMs, 0)
})
