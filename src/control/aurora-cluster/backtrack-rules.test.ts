import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  changeBacktrackWindow,
  earliestBacktrack,
  requireBacktrackTime,
  requireBacktrackWindow,
} from './backtrack-rules.ts'
import { pastStrandAt } from './strands.ts'

const HOUR = { id: 'shop', backtrackWindow: 3600 }
const NOW = 10_000_000
const WHOLE = { from: 0, to: NOW - 5_000 }

const asked = (time: number, more: object = {}): Parameters<typeof requireBacktrackTime>[1] => ({
  BacktrackTo: new Date(time),
  ...more,
})

test('a window is up to 72 hours of whole seconds', () => {
  for (const seconds of [0, 1, 259_200]) assert.equal(requireBacktrackWindow(seconds), seconds)
  for (const seconds of [-1, 0.5, 259_201, NaN]) assert.throws(() => requireBacktrackWindow(seconds), /between 0 and/)
})

test('a window is changed, or closed for good', () => {
  assert.equal(changeBacktrackWindow('shop', undefined, 60), 60)
  assert.equal(changeBacktrackWindow('shop', 30, 60), 30)
  assert.equal(changeBacktrackWindow('shop', 0, 60), 0)
  assert.equal(changeBacktrackWindow('shop', 0), 0)
  assert.throws(() => changeBacktrackWindow('shop', 60, 0), /cannot be enabled/)
  assert.throws(() => changeBacktrackWindow('shop', 60), /cannot be enabled/)
})

test('the earliest time is where the window begins, or the archive', () => {
  assert.equal(earliestBacktrack(HOUR, WHOLE, NOW), NOW - 3_600_000)
  assert.equal(earliestBacktrack(HOUR, { ...WHOLE, from: NOW - 60_000 }, NOW), NOW - 60_000)
  assert.equal(earliestBacktrack(HOUR, undefined, NOW), undefined)
  assert.equal(earliestBacktrack({ id: 'shop', backtrackWindow: 0 }, WHOLE, NOW), undefined)
})

test('a time is one from the earliest on to now, whether or not it is archived yet', () => {
  const at = { now: NOW, restorable: WHOLE }
  for (const time of [NOW - 3_600_000, NOW - 1_000, NOW])
    assert.equal(requireBacktrackTime(HOUR, asked(time), at), time)
  assert.throws(() => requireBacktrackTime(HOUR, asked(NOW + 1), at), /in the future/)
  assert.throws(() => requireBacktrackTime(HOUR, asked(NaN), at), /in the future/)
  assert.throws(() => requireBacktrackTime(HOUR, asked(NOW - 3_600_001), at), /the earliest time is/)
  const orEarliest = { UseEarliestTimeOnPointInTimeUnavailable: true }
  assert.equal(requireBacktrackTime(HOUR, asked(0, orEarliest), at), NOW - 3_600_000)
  assert.throws(() => requireBacktrackTime(HOUR, asked(NOW + 1, orEarliest), at), /in the future/)
  assert.throws(() => requireBacktrackTime({ id: 'shop' }, asked(NOW), at), /not enabled/)
  assert.throws(() => requireBacktrackTime(HOUR, asked(NOW), { now: NOW, restorable: undefined }), /nothing .* yet/)
})

test('a time means what the cluster had then, whatever was undone since', () => {
  const pastStrands = [
    { id: 'first', until: 100 },
    { id: 'second', until: 200 },
  ]
  const at = (time: number | undefined): string | undefined => pastStrandAt({ pastStrands }, time)?.id
  assert.deepEqual([0, 99, 100, 199, 200, 500, undefined].map(at), [
    'first',
    'first',
    'second',
    'second',
    undefined,
    undefined,
    undefined,
  ])
  assert.equal(pastStrandAt({}, 5), undefined)
})
