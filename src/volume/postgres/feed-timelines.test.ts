import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import { epochEnd, historyFile, shownHistory } from './feed-timelines.ts'

const HISTORY = [
  { epoch: 2, start: 0x1000000 },
  { epoch: 3, start: 0x1000100 },
  { epoch: 6, start: 0x2000000 },
]

test('an epoch is told of once there is a byte of it to show', () => {
  assert.deepEqual(shownHistory(HISTORY, 0x2000001), HISTORY)
  assert.deepEqual(shownHistory(HISTORY, 0x2000000), HISTORY.slice(0, 2))
  assert.deepEqual(shownHistory(HISTORY, 0x1000001), HISTORY.slice(0, 1))
  assert.deepEqual(shownHistory(HISTORY, 0), HISTORY.slice(0, 1), 'the first one is all there is')
})

test('an epoch ends where the next one begins', () => {
  assert.deepEqual(epochEnd(HISTORY, 3), { end: 0x2000000, next: 6 })
  assert.deepEqual(epochEnd(HISTORY, 6), { end: Infinity, next: undefined })
  assert.equal(epochEnd(HISTORY, 5), undefined)
})

test('a history file has the ancestors and where each ended', () => {
  const { name, text } = historyFile(HISTORY, 6)!
  assert.equal(name, '00000006.history')
  assert.deepEqual(parseHistory(text), [
    { timeline: 2, endsAt: 0x1000100n },
    { timeline: 3, endsAt: 0x2000000n },
  ])
})

test('a number that came to nothing has a file without ancestors, one outside has none', () => {
  for (const timeline of [4, 5]) assert.match(historyFile(HISTORY, timeline)!.text, /^#.*\n$/)
  assert.equal(historyFile(HISTORY, 5)!.name, '00000005.history')
  for (const timeline of [1, 2, 7]) assert.equal(historyFile(HISTORY, timeline), undefined)
  assert.equal(historyFile([], 1), undefined)
})
