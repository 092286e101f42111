import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GIB } from '#base/bytes.ts'
import { chooseSuccessor, type Candidate } from './successor.ts'

const reader = (id: string, changes: Partial<Candidate> = {}): Candidate => ({
  resourceId: `db-${id}`,
  id,
  zone: 'b',
  promotionTier: 1,
  memoryBytes: 16 * GIB,
  vcpus: 2,
  ...changes,
})

/** Of these candidates, given in either order. */
const chosen = (candidates: readonly Candidate[], lostZone = 'a'): string | undefined => {
  const [one, other] = [candidates, candidates.toReversed()].map((given) => chooseSuccessor(given, lostZone)?.id)
  assert.equal(one, other, 'the order in which candidates are given does not matter')
  return one
}

test('the lowest tier takes over, however small', () => {
  assert.equal(chosen([reader('big', { memoryBytes: 64 * GIB }), reader('first', { promotionTier: 0 })]), 'first')
  assert.equal(chosen([reader('last', { promotionTier: 15 }), reader('next', { promotionTier: 2 })]), 'next')
})

test('of one tier the largest takes over: by memory, then by processors', () => {
  assert.equal(chosen([reader('x'), reader('y', { memoryBytes: 32 * GIB })]), 'y')
  assert.equal(chosen([reader('x', { vcpus: 4 }), reader('y')]), 'x')
})

test('of two that are alike one outside of the zone that was lost takes over', () => {
  assert.equal(chosen([reader('x', { zone: 'a' }), reader('y', { zone: 'c' })]), 'y')
  assert.equal(chosen([reader('x', { zone: 'a' }), reader('y', { zone: 'c' })], 'c'), 'x')
})

test('whoever decides again decides the same', () => {
  assert.equal(chosen([reader('n2'), reader('n1'), reader('n3')]), 'n1')
})

test('without readers nobody takes over', () => {
  assert.equal(chooseSuccessor([], 'a'), undefined)
})
