import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longest } from './db-cluster-succession.ts'

test('the longest log is chosen, whatever is wanted', () => {
  const ends = new Map([
    ['b', 0x3000148n],
    ['c', 0x3000200n],
  ])
  assert.equal(longest(ends, undefined), 'c')
  assert.equal(longest(ends, 'b'), 'c')
})

test('among equally long logs the wanted one is chosen', () => {
  const ends = new Map([
    ['b', 7n],
    ['c', 7n],
  ])
  assert.equal(longest(ends, 'c'), 'c')
  assert.equal(longest(ends, 'a'), 'b')
})
