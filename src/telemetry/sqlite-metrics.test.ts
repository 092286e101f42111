import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import type { MetricId, Point } from './metrics.ts'
import { POINT_KEPT_MS } from './limits.ts'
import { openMetrics } from './sqlite-metrics.ts'

const MINUTE = 60_000
const metric = (name: string, more: Partial<MetricId> = {}): MetricId => ({
  account: '000000000000',
  region: 'us-east-1',
  namespace: 'AWS/RDS',
  name,
  dimensions: { DBInstanceIdentifier: 'orders' },
  ...more,
})
const point = (minute: number, value: number, count = 1): Point => ({
  minute,
  count,
  sum: value * count,
  min: value,
  max: value,
})
const scope = { account: '000000000000', region: 'us-east-1' }

function minuteOf(clock: SimulatedClock): number {
  return Math.floor(clock.now() / MINUTE) * MINUTE
}

test('points come back as they were, in order, from the asked time only', () => {
  const clock = new SimulatedClock()
  const metrics = openMetrics(':memory:', clock)
  const now = minuteOf(clock)
  const values = [0, 1.5, -1, 2 ** 52, 1e300]
  metrics.record(values.map((value, n) => ({ metric: metric('A'), point: point(now - n * MINUTE, value) })))
  metrics.record([{ metric: metric('B'), point: point(now, 7) }])
  assert.deepEqual(
    metrics.read(metric('A'), now - 3 * MINUTE, now).map(({ minute, sum }) => [(now - minute) / MINUTE, sum]),
    [
      [3, 2 ** 52],
      [2, -1],
      [1, 1.5],
    ],
  )
  assert.deepEqual(metrics.read(metric('A'), now, now + MINUTE), [point(now, 0)])
  assert.deepEqual(metrics.read(metric('A', { account: '111111111111' }), 0, Infinity), [])
  assert.deepEqual(metrics.read(metric('A', { dimensions: {} }), 0, Infinity), [])
})

test('a minute that is told again counts once, and a shorter telling of it is not believed', () => {
  const clock = new SimulatedClock()
  const metrics = openMetrics(':memory:', clock)
  const now = minuteOf(clock)
  for (const told of [point(now, 5, 3), point(now, 6, 8), point(now, 9, 2)])
    metrics.record([{ metric: metric('A'), point: told }])
  assert.deepEqual(metrics.read(metric('A'), 0, Infinity), [point(now, 6, 8)])
})

test('dimensions name the same series in any order', () => {
  const clock = new SimulatedClock()
  const metrics = openMetrics(':memory:', clock)
  const now = minuteOf(clock)
  metrics.record([
    { metric: metric('A', { dimensions: { Role: 'WRITER', DBClusterIdentifier: 'c' } }), point: point(now, 1) },
  ])
  const same = metric('A', { dimensions: { DBClusterIdentifier: 'c', Role: 'WRITER' } })
  assert.equal(metrics.read(same, 0, Infinity).length, 1)
  assert.deepEqual(
    metrics.list(scope).map(({ id }) => id.dimensions),
    [{ DBClusterIdentifier: 'c', Role: 'WRITER' }],
  )
})

test('after fifteen days a point is gone, and a series that has no other', async () => {
  const clock = new SimulatedClock()
  const metrics = openMetrics(':memory:', clock)
  const first = minuteOf(clock)
  metrics.record([
    { metric: metric('A'), point: point(first, 1) },
    { metric: metric('B'), point: point(first, 1) },
  ])
  await clock.advance(POINT_KEPT_MS - 10 * MINUTE)
  metrics.record([{ metric: metric('B'), point: point(minuteOf(clock), 2) }])
  assert.equal(metrics.list(scope).length, 2)
  await clock.advance(20 * MINUTE)
  assert.deepEqual(
    metrics.list(scope).map(({ id }) => id.name),
    ['B'],
  )
  assert.equal(metrics.read(metric('B'), 0, Infinity).length, 1)
  assert.equal(metrics.read(metric('A'), 0, Infinity).length, 0)
  // Told once more by somebody who was away for long.
  metrics.record([{ metric: metric('A'), point: point(first, 1) }])
  assert.equal(metrics.list(scope).length, 1)
  await clock.advance(2 * 60 * MINUTE)
  metrics.record([{ metric: metric('B'), point: point(minuteOf(clock), 3) }])
  metrics.record([{ metric: metric('A'), point: point(minuteOf(clock), 4) }])
  assert.deepEqual(metrics.read(metric('A'), 0, Infinity), [point(minuteOf(clock), 4)])
})

test('a file keeps points over its closing, privately; clearing leaves none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-metrics-'))
  try {
    const clock = new SimulatedClock()
    const path = join(folder, 'metrics.sqlite')
    const now = minuteOf(clock)
    const first = openMetrics(path, clock)
    first.record([{ metric: metric('A'), point: point(now, 1) }])
    first.close()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const second = openMetrics(path, clock)
    assert.deepEqual(second.read(metric('A'), 0, Infinity), [point(now, 1)])
    second.clear()
    assert.deepEqual(second.list(scope), [])
    second.record([{ metric: metric('A'), point: point(now, 2) }])
    assert.deepEqual(second.read(metric('A'), 0, Infinity), [point(now, 2)])
    second.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a file that is none of metrics is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-metrics-'))
  try {
    const path = join(folder, 'metrics.sqlite')
    writeFileSync(path, 'no database at all, '.repeat(100))
    assert.throws(() => openMetrics(path, new SimulatedClock()))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
