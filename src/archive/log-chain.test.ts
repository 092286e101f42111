import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chainFrom, endOfLog, startOfRun, type Chain, type LogIndex } from './log-chain.ts'
import { logKey, parseLogKey, type LogPortion } from './log-keys.ts'

const portion = (timeline: number, start: number, end: number, newestUs = 0): LogPortion => ({
  timeline,
  start: BigInt(start),
  end: BigInt(end),
  newestUs,
})

const at = (timeline: number, lsn: number): { timeline: number; lsn: bigint } => ({ timeline, lsn: BigInt(lsn) })

function indexOf(portions: LogPortion[], histories: [number, [number, number][]][] = []): LogIndex {
  return {
    portions,
    histories: new Map(
      histories.map(([timeline, ancestors]) => [
        timeline,
        ancestors.map(([ancestor, end]) => ({ timeline: ancestor, endsAt: BigInt(end) })),
      ]),
    ),
  }
}

const used = ({ links }: Chain): string[] => links.map(({ timeline, lsn, to }) => `${timeline}: ${lsn}-${to}`)

test('a key says everything about its portion', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      fc.bigInt({ min: 0n, max: 2n ** 63n }),
      fc.bigInt({ min: 0n, max: 2n ** 63n }),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      (timeline, start, end, newestUs) => {
        const one = { timeline, start, end, newestUs }
        assert.deepEqual(parseLogKey(logKey('r/a/db-X', one)), one)
      },
    ),
  )
  assert.equal(parseLogKey('r/a/db-X/log/00000001/12'), undefined)
})

test('portions that follow each other are a chain to the end', () => {
  const index = indexOf([portion(1, 0, 10), portion(1, 10, 15), portion(1, 15, 30)])
  const chain = chainFrom(index, at(1, 3))
  assert.deepEqual(used(chain), ['1: 3-10', '1: 10-15', '1: 15-30'])
  assert.deepEqual([chain.end, chain.missing], [at(1, 30), undefined])
  assert.deepEqual(endOfLog(index), at(1, 30))
  assert.deepEqual(startOfRun(index), at(1, 0))
})

test('a gap is named, and nothing behind it belongs to the chain', () => {
  const index = indexOf([portion(1, 0, 0x10), portion(1, 0x20, 0x30), portion(1, 0x30, 0x40)])
  const chain = chainFrom(index, at(1, 0))
  assert.deepEqual(chain.end, at(1, 0x10))
  assert.equal(chain.missing, 'the log of timeline 1 from 0/10 to 0/20')
  assert.deepEqual(startOfRun(index), at(1, 0x20))
  assert.equal(chainFrom(index, at(1, 0x28)).missing, undefined)
})

test('a joined portion is taken rather than those that it was made of', () => {
  const joined = portion(1, 0, 16)
  const index = indexOf([portion(1, 0, 4), joined, portion(1, 4, 9), portion(1, 16, 20)])
  assert.deepEqual(used(chainFrom(index, at(1, 0))), ['1: 0-16', '1: 16-20'])
  assert.deepEqual(startOfRun(index), at(1, 0))
})

test('the chain leaves a timeline where its successor did, whatever else there is', () => {
  const index = indexOf(
    [portion(1, 0, 10), portion(1, 10, 20), portion(1, 20, 30), portion(2, 17, 25), portion(3, 25, 40)],
    [
      [2, [[1, 17]]],
      [
        3,
        [
          [1, 17],
          [2, 25],
        ],
      ],
    ],
  )
  const chain = chainFrom(index, at(1, 0))
  assert.deepEqual(used(chain), ['1: 0-10', '1: 10-17', '2: 17-25', '3: 25-40'])
  assert.deepEqual([chain.end, chain.missing], [at(3, 40), undefined])
  assert.deepEqual(startOfRun(index), at(1, 0))
  assert.deepEqual(endOfLog(index), at(3, 40))
})

test('a timeline of which nothing is archived yet begins where its parent ends', () => {
  const index = indexOf([portion(1, 0, 10)], [[2, [[1, 10]]]])
  assert.deepEqual(endOfLog(index), at(1, 10))
  assert.deepEqual(chainFrom(index, at(1, 0)).end, at(2, 10))
})

test('what is missing before a failover is named too', () => {
  const index = indexOf([portion(1, 0, 10), portion(2, 17, 25)], [[2, [[1, 17]]]])
  assert.equal(chainFrom(index, at(1, 0)).missing, 'the log of timeline 1 from 0/A to 0/11')
  assert.deepEqual(startOfRun(index), at(2, 17))
  assert.match(chainFrom(indexOf([portion(1, 0, 9), portion(3, 9, 12)]), at(1, 0)).missing ?? '', /history/)
})

test('any way of cutting a log gives a chain of all of it, and any lost portion ends it there', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 1 }), fc.nat(), (cuts, lost) => {
      const borders = [0, ...cuts.sort((a, b) => a - b), 1_000]
      const portions = borders.slice(1).map((end, n) => portion(1, borders[n]!, end))
      assert.deepEqual(chainFrom(indexOf(portions), at(1, 0)).end, at(1, 1_000))
      const index = lost % (portions.length - 1)
      const rest = portions.filter((_, n) => n !== index)
      assert.deepEqual(chainFrom(indexOf(rest), at(1, 0)).end, at(1, borders[index]!))
      assert.deepEqual(startOfRun(indexOf(rest)), at(1, borders[index + 1]!))
    }),
  )
})

test('a chain ends with the first portion that is enough', () => {
  const index = indexOf([portion(1, 0, 10, 5), portion(1, 10, 20, 8), portion(1, 20, 30, 9)])
  assert.deepEqual(chainFrom(index, at(1, 0), ({ newestUs }) => newestUs > 7).end, at(1, 20))
})
