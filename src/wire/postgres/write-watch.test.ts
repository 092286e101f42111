import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WriteWatch } from './write-watch.ts'

/** Commands, and after each `Z…` whether a transaction that wrote ended there. */
function endsOf(...said: string[]): boolean[] {
  const watch = new WriteWatch()
  const ends: boolean[] = []
  for (const word of said) {
    if (word.startsWith('Z')) ends.push(watch.ready(Buffer.from(word.slice(1))))
    else if (word === 'H') watch.copyingOut()
    else watch.completed(Buffer.from(`${word}\0`))
  }
  return ends
}

test('a statement of its own that writes ends a transaction that wrote', () => {
  for (const tag of ['INSERT 0 1', 'UPDATE 3', 'DELETE 0', 'MERGE 1', 'COPY 5', 'CREATE TABLE', 'VACUUM', 'DO'])
    assert.deepEqual(endsOf(tag, 'ZI', 'SELECT 1', 'ZI'), [true, false], tag)
})

test('within a transaction only its end counts, also after an error', () => {
  assert.deepEqual(endsOf('BEGIN', 'ZT', 'INSERT 0 1', 'ZT', 'SELECT 1', 'ZT', 'COMMIT', 'ZI'), [
    false,
    false,
    false,
    true,
  ])
  assert.deepEqual(endsOf('BEGIN', 'ZT', 'INSERT 0 1', 'ZT', 'ZE', 'ROLLBACK', 'ZI'), [false, false, false, true])
})

test('copying a table to the client is reading, into a table writing, also after a copy that failed', () => {
  assert.deepEqual(endsOf('H', 'COPY 5', 'ZI', 'COPY 5', 'ZI', 'H', 'ZI', 'COPY 5', 'ZI'), [false, true, false, true])
})

test('who only reads is never taken for one that writes', () => {
  assert.deepEqual(endsOf('BEGIN', 'ZT', 'SET', 'ZT', 'SELECT 5', 'ZT', 'COMMIT', 'ZI', 'SHOW', 'ZI'), [
    false,
    false,
    false,
    false,
    false,
  ])
})
