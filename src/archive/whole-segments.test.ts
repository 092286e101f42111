import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEGMENT_BYTES } from '#wire/pg/lsn.ts'
import type { LogIndex } from './log-chain.ts'
import { wholeSegmentsFrom, type WholeSegments } from './whole-segments.ts'

const lsn = (segments: number): bigint => BigInt(segments * SEGMENT_BYTES)

/** Positions and ends in segments. */
function indexOf(portions: [timeline: number, from: number, to: number][], forks: number[] = []): LogIndex {
  const ancestors = forks.map((at, place) => ({ timeline: place + 1, endsAt: lsn(at) }))
  return {
    portions: portions.map(([timeline, from, to]) => ({ timeline, start: lsn(from), end: lsn(to), newestUs: 0 })),
    histories: new Map(forks.map((_, place) => [place + 2, ancestors.slice(0, place + 1)])),
  }
}

const shown = ({ segments }: WholeSegments): string[] =>
  segments.map(({ timeline, start, links }) => `${timeline}/${start / lsn(1)} of ${links.length}`)

test('segments come whole, from the one that has the position on, without the one that is still written', () => {
  const index = indexOf([
    [1, 2, 2.5],
    [1, 2.5, 3],
    [1, 3, 4],
    [1, 4, 4.25],
  ])
  const plan = wholeSegmentsFrom(index, { timeline: 1, lsn: lsn(2.75) })
  assert.deepEqual(shown(plan), ['1/2 of 2', '1/3 of 1'])
  assert.equal(plan.missing, undefined)
})

test('a segment in which a timeline begins is the later one, with what its parent had of it', () => {
  const index = indexOf(
    [
      [1, 2, 3],
      [1, 3, 3.75],
      [2, 3.5, 4],
      [2, 4, 5],
    ],
    [3.5],
  )
  const plan = wholeSegmentsFrom(index, { timeline: 1, lsn: lsn(2.5) })
  assert.deepEqual(shown(plan), ['1/2 of 1', '2/3 of 2', '2/4 of 1'])
  assert.deepEqual(
    plan.segments[1]!.links.map(({ timeline, to }) => [timeline, to]),
    [
      [1, lsn(3.5)],
      [2, lsn(4)],
    ],
  )
})

test('a standby that is on the later timeline already is given its segment from its beginning', () => {
  const index = indexOf(
    [
      [1, 3, 3.5],
      [2, 3.5, 4],
    ],
    [3.5],
  )
  assert.deepEqual(shown(wholeSegmentsFrom(index, { timeline: 2, lsn: lsn(3.75) })), ['2/3 of 2'])
})

test('one that has applied what a timeline had beyond its end is given nothing', () => {
  const index = indexOf(
    [
      [1, 2, 3],
      [1, 3, 4],
      [2, 3.5, 4],
      [2, 4, 5],
    ],
    [3.5],
  )
  assert.deepEqual(shown(wholeSegmentsFrom(index, { timeline: 1, lsn: lsn(3.5) })), ['2/3 of 2', '2/4 of 1'])
  const plan = wholeSegmentsFrom(index, { timeline: 1, lsn: lsn(3.5) + 1n })
  assert.deepEqual(plan.segments, [])
  assert.match(plan.missing!, /timeline 1, which ends before/)
})

test('nothing is given of a timeline that does not lead to the newest, or of one that the archive does not know', () => {
  const index = indexOf([
    [1, 2, 3],
    [1, 3, 4],
  ])
  const plan = wholeSegmentsFrom(index, { timeline: 3, lsn: lsn(2) })
  assert.deepEqual(plan.segments, [])
  assert.ok(plan.missing)
})

test('segments end before a gap, which is named', () => {
  const index = indexOf([
    [1, 2, 3],
    [1, 3.5, 4],
    [1, 4, 5],
  ])
  const plan = wholeSegmentsFrom(index, { timeline: 1, lsn: lsn(2) })
  assert.deepEqual(shown(plan), ['1/2 of 1'])
  assert.equal(plan.missing, 'the log of timeline 1 from 0/3000000 to 0/3800000')
})
