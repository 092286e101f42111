import { test } from 'node:test'
import assert from 'node:assert/strict'
import { page } from './pages.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `db-${String(i).padStart(4, '0')}`)
const keyOf = (name: string): string => name

function walk(list: () => readonly string[], MaxRecords: number): string[] {
  const seen: string[] = []
  let Marker: string | undefined
  do {
    const got = page(list(), { Marker, MaxRecords, keyOf })
    seen.push(...got.items)
    Marker = got.Marker
  } while (Marker !== undefined)
  return seen
}

test('every item is given out once, in order of its key, whatever the order of the list', () => {
  for (const count of [0, 1, 19, 20, 21, 40, 41, 250]) {
    assert.deepEqual(
      walk(() => names(count).reverse(), 20),
      names(count),
    )
  }
})

test('a full last page has no marker', () => {
  assert.deepEqual(page(names(100), { keyOf }), { items: names(100) })
})

test('deleting the item that a marker names loses and repeats nothing', () => {
  const first = page(names(30), { MaxRecords: 20, keyOf })
  const left = names(30).filter((name) => name !== first.items.at(-1))
  assert.deepEqual(page(left, { Marker: first.Marker, MaxRecords: 20, keyOf }).items, names(30).slice(20))
})

test('an empty marker asks for the first page', () => {
  assert.deepEqual(page(names(2), { Marker: '', keyOf }).items, names(2))
})

test('MaxRecords outside the limits is refused with the limits', () => {
  for (const MaxRecords of [-1, 0, 19, 101, 20.5, Number.NaN]) {
    assert.throws(() => page([], { MaxRecords, keyOf }), {
      code: 'InvalidParameterValue',
      message: `Invalid value ${MaxRecords} for MaxRecords. Must be between 20 and 100`,
    })
  }
  assert.equal(
    page(names(700), { MaxRecords: 500, keyOf, limits: { min: 1, max: 1000, default: 9 } }).items.length,
    500,
  )
  assert.equal(page(names(700), { keyOf, limits: { min: 1, max: 1000, default: 9 } }).items.length, 9)
})

test('a marker that was not made here is refused', () => {
  const good = page(names(30), { MaxRecords: 20, keyOf }).Marker!
  for (const Marker of ['x', 'YWZ0ZXI=', `${good}!`, good.toLowerCase(), 'db-0001']) {
    assert.throws(() => page([], { Marker, keyOf }), { code: 'InvalidParameterValue' })
  }
})
