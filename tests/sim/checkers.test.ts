/** Each checker finds its anomaly, and nothing in a history that is as it should be. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  brokenOnes,
  fallenPoints,
  judge,
  lostCommits,
  phantoms,
  shownAndGone,
  staleReads,
  unlikeCopies,
  writersOfEpochs,
} from './checkers.ts'
import type { FinalState, Happened } from './history.ts'
import { encodeRecord } from './records.ts'

const START = 10
const [first, second, third] = [encodeRecord(1, 0, 20), encodeRecord(2, 0, 5), encodeRecord(3, 0, 7)]
const logOf = (...records: Buffer[]): Buffer => Buffer.concat([Buffer.alloc(START), ...records])
const log = logOf(first, second, third)
const [endOfFirst, endOfSecond] = [logOf(first).length, logOf(first, second).length]

/** Two epochs, one commit in each. */
const good: Happened[] = [
  { type: 'taken', at: 1, epoch: 2 },
  { type: 'promoted', at: 2, epoch: 2, start: endOfFirst, log: logOf(first) },
  { type: 'durable', at: 3, epoch: 2, head: 'head 2.0', position: endOfSecond },
  { type: 'opened', at: 3, epoch: 2 },
  { type: 'acknowledged', at: 4, epoch: 2, end: endOfSecond, record: second },
  { type: 'shown', at: 5, epoch: 2, end: endOfSecond },
  { type: 'taken', at: 6, epoch: 3 },
  { type: 'promoted', at: 7, epoch: 3, start: endOfSecond, log: logOf(first, second) },
  { type: 'opened', at: 8, epoch: 3 },
  { type: 'durable', at: 8, epoch: 3, head: 'head 3.0', position: log.length },
  { type: 'acknowledged', at: 9, epoch: 3, end: log.length, record: third },
  { type: 'shown', at: 9, epoch: 3, end: log.length },
  { type: 'shown', at: 10, epoch: 2, end: endOfSecond },
]

const whole: FinalState = {
  start: START,
  writer: { epoch: 3, log, durable: log.length },
  copies: ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'].map((member) => ({
    member,
    end: log.length,
    first: START,
    log: log.subarray(START),
  })),
  readers: [{ name: 'reader', log: logOf(first, second) }],
}

const replaced = (type: Happened['type'], change: object): Happened[] =>
  good.map((one) => (one.type === type ? ({ ...one, ...change } as Happened) : one))

describe('checkers', () => {
  it('find nothing wrong with a history that is right', () => assert.deepEqual(judge(good, whole), []))

  it('find an acknowledged commit that a later writer does not have', () => {
    const other = encodeRecord(3, 7, 5)
    const events = good.map((one) =>
      one.type === 'promoted' && one.epoch === 3 ? { ...one, log: logOf(first, other) } : one,
    )
    assert.match(lostCommits(events, whole).join(), /^lost: the writer of epoch 3/)
  })

  it('find an acknowledged commit that is not there in the end', () => {
    const writer = { epoch: 3, log: logOf(first, second), durable: endOfSecond }
    assert.match(lostCommits(good, { ...whole, writer }).join(), /^lost: the last writer/)
  })

  it('find two writers of one epoch, one taken twice, and a writer of one that nobody took', () => {
    assert.match(writersOfEpochs([...good, ...good]).join(), /epoch 2 was taken twice.*two in epoch 2/)
    assert.match(writersOfEpochs(good.filter(({ type }) => type !== 'taken')).join(), /was not taken/)
  })

  it('find a durable point that falls, and an epoch that begins before it', () => {
    const fell: Happened[] = [...good, { type: 'durable', at: 11, epoch: 3, head: 'head 3.0', position: endOfSecond }]
    assert.match(fallenPoints(fell).join(), /^durable: from/)
    assert.match(fallenPoints(replaced('promoted', { start: endOfFirst })).join(), /3 begins at/)
  })

  it('find what was shown and is gone', () => {
    const writer = { epoch: 3, log: logOf(first), durable: endOfFirst }
    assert.match(shownAndGone(good, { ...whole, writer }).join(), /^shown:/)
  })

  it('find a writer that serves long after the next one opened', () => {
    const late: Happened = { type: 'shown', at: 8_000, epoch: 2, end: endOfSecond }
    assert.match(staleReads([...good, late]).join(), /^stale: epoch 2/)
  })

  it('find bytes of a reader that are not the log', () => {
    const readers = [{ name: 'reader', log: logOf(first, third) }]
    assert.match(phantoms(good, { ...whole, readers }).join(), /^phantom: reader has/)
    const event: Happened = { type: 'diverged', at: 9, reader: 'reader', end: 50 }
    assert.match(phantoms([...good, event], whole).join(), /^phantom: reader had to cut/)
  })

  it('find copies that differ, lack something, cannot be read, or are too few', () => {
    const [one, ...others] = whole.copies
    const withFirst = (change: object): string =>
      unlikeCopies({ ...whole, copies: [{ ...one!, ...change }, ...others] }).join()
    assert.match(withFirst({ end: endOfSecond }), /^copies: a1 has the log up to/)
    assert.match(withFirst({ log: undefined }), /^copies: a1 cannot read/)
    assert.match(withFirst({ log: logOf(first, second, second).subarray(START) }), /^copies: a1 has other bytes/)
    assert.match(unlikeCopies({ ...whole, copies: others }).join(), /^copies: there are 5/)
  })

  it('find a volume that nobody can write', () => {
    assert.match(unlikeCopies({ ...whole, writer: undefined }).join(), /^not writable/)
    assert.match(unlikeCopies({ ...whole, writer: { epoch: 3, log, durable: 30 } }).join(), /never became durable/)
  })

  it('find code that found itself broken', () => {
    const event: Happened = { type: 'broken', at: 1, process: 'head', error: new Error('an invariant') }
    assert.match(brokenOnes([event]).join(), /^broken: head/)
  })
})
