import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RelayLag } from './relay-lag.ts'

const SILENCE_MS = 2_000

test('the lag is how long what was durable there took to be durable here', () => {
  const lag = new RelayLag()
  assert.equal(lag.lagMs(0, SILENCE_MS), undefined)
  lag.heard(100, 1_000, 1_020)
  lag.heard(200, 1_500, 1_520)
  assert.deepEqual([lag.lagMs(1_600, SILENCE_MS), lag.asOfMs, lag.sourceEnd], [600, undefined, 200])
  lag.reached(150, 1_650)
  assert.deepEqual([lag.lagMs(1_660, SILENCE_MS), lag.asOfMs], [650, 1_000])
  lag.reached(200, 1_700)
  assert.deepEqual([lag.lagMs(1_900, SILENCE_MS), lag.asOfMs], [200, 1_500])
})

test('what is here already when it is heard of has no lag but the way', () => {
  const lag = new RelayLag()
  lag.reached(100, 500)
  lag.heard(100, 1_000, 1_030)
  assert.deepEqual([lag.lagMs(1_100, SILENCE_MS), lag.asOfMs], [30, 1_000])
})

test('a source that says nothing may have more than it has said', () => {
  const lag = new RelayLag()
  lag.reached(100, 500)
  lag.heard(100, 1_000, 1_030)
  assert.equal(lag.lagMs(61_000, SILENCE_MS), 60_000)
})

test('of what waits for long not all is remembered, and the oldest always', () => {
  const lag = new RelayLag()
  for (let at = 1; at <= 5_000; at++) lag.heard(at, at, at)
  assert.equal(lag.lagMs(6_000, SILENCE_MS), 5_999)
  lag.reached(5_000, 6_000)
  assert.equal(lag.asOfMs, 5_000)
})
