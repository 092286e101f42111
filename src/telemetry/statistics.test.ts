import assert from 'node:assert/strict'
import test from 'node:test'
import type { Point } from './metrics.ts'
import { periodsOf, statisticOf } from './statistics.ts'

const MINUTE = 60_000
const of = (minute: number, ...samples: number[]): Point => ({
  minute: minute * MINUTE,
  count: samples.length,
  sum: samples.reduce((a, b) => a + b, 0),
  min: Math.min(...samples),
  max: Math.max(...samples),
})

test('simple statistics are over samples, not over minutes', () => {
  const points = [of(0, 1, 2, 3), of(1, 10)]
  const values = ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'].map((name) => statisticOf(name)!(points))
  assert.deepEqual(values, [4, 16, 4, 1, 10])
})

test('a percentile is the least value that so many samples are not above', () => {
  const points = [of(0, 5), of(1, 1), of(2, 4), of(3, 2), of(4, 3)]
  const values = ['p0', 'p20', 'p20.1', 'p50', 'p99.9', 'p100'].map((name) => statisticOf(name)!(points))
  assert.deepEqual(values, [1, 1, 2, 3, 5, 5])
})

test('a minute counts in percentiles with as many samples as it has', () => {
  assert.equal(statisticOf('p50')!([of(0, 7, 7, 7), of(1, 100)]), 7)
})

test('what is no statistic is none', () => {
  for (const name of ['', 'average', 'p', 'p101', 'p-1', 'p50x', 'tm99', 'IQM', 'toString'])
    assert.equal(statisticOf(name), undefined, name)
})

test('periods begin at the start that was asked for', () => {
  const points = [3, 4, 7, 8, 9].map((minute) => of(minute, minute))
  const shown = (from: number, minutes: number): [number, number][] =>
    periodsOf(points, from * MINUTE, minutes * MINUTE).map(({ at, points: inIt }) => [at / MINUTE, inIt.length])
  assert.deepEqual(shown(3, 5), [
    [3, 3],
    [8, 2],
  ])
  assert.deepEqual(shown(0, 5), [
    [0, 2],
    [5, 3],
  ])
  assert.deepEqual(shown(3, 1).length, 5)
})
