import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '#base/durations.ts'
import { instanceRecord } from '../../../tests/support/instance.ts'
import { sourceOf } from '../db-snapshot/record.ts'
import { expiredBases, needsBase } from './keeping.ts'
import type { BaseBackupRecord } from './record.ts'

const base = (id: string, day: number, more: Partial<BaseBackupRecord> = {}): BaseBackupRecord => ({
  id,
  zone: 'a',
  log: { timeline: 1, start: `0/${day}000000`, end: `0/${day}000100`, endedAt: day * DAY_MS },
  takenAt: day * DAY_MS,
  isTemporary: false,
  isStored: true,
  isExpired: false,
  instance: sourceOf(instanceRecord()),
  tags: [],
  ...more,
})

const archive = (from: string): Parameters<typeof needsBase>[1] => ({
  timeline: 1,
  from,
  to: '0/F0000000',
  until: 0,
  trouble: undefined,
})

test('a base backup is needed where there is none, or a gap behind the newest, and unknown while nobody archives', () => {
  assert.equal(needsBase([], undefined), false)
  assert.equal(needsBase([], archive('0/1000000')), true)
  assert.equal(needsBase([base('a', 2)], archive('0/1000000')), false)
  assert.equal(needsBase([base('a', 2)], archive('0/2000000')), false)
  assert.equal(needsBase([base('a', 2)], archive('0/2000100')), false, 'it has the log up to there itself')
  assert.equal(needsBase([base('a', 2)], archive('0/2000101')), true)
  assert.equal(needsBase([base('a', 2), base('b', 5)], archive('0/3000000')), false)
  assert.equal(needsBase([base('a', 5, { isExpired: true })], archive('0/3000000')), true)
})

const expired = (bases: readonly BaseBackupRecord[], days: number, now: number, endedAt?: number): string[] =>
  expiredBases(bases, { retentionDays: days, now: now * DAY_MS, endedAt: endedAt && endedAt * DAY_MS }).map(
    ({ id }) => id,
  )

test('a base backup stays until a newer one covers the whole retention period', () => {
  const bases = [base('a', 1), base('b', 2), base('c', 3), base('d', 4)]
  assert.deepEqual(expired(bases, 2, 4), ['a'])
  assert.deepEqual(expired(bases, 2, 4.5), ['a'])
  assert.deepEqual(expired(bases, 7, 5), [])
  assert.deepEqual(expired(bases, 1, 99), ['a', 'b', 'c'])
  const unstored = [base('a', 1), base('b', 2, { isStored: false })]
  assert.deepEqual(expired(unstored, 1, 9), [], 'one that is not in the archive yet covers nothing')
})

test('without a retention period all of them go, and those of a deleted instance when its last moment is too old', () => {
  const bases = [base('a', 1), base('b', 2)]
  assert.deepEqual(expired(bases, 0, 2), ['a', 'b'])
  assert.deepEqual(expired(bases, 3, 5, 3), ['a'])
  assert.deepEqual(expired(bases, 3, 6, 3), ['a', 'b'])
  assert.deepEqual(expired([base('a', 1), base('b', 2, { isExpired: true })], 7, 3), ['b'])
})
