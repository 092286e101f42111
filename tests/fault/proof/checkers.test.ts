/** The checkers of the proof, but that of lists, on histories that must pass and on histories that must not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bankComplaints, type BankOperation } from './bank.ts'
import { consumerComplaints, type Life } from './consumer.ts'
import type { Operation, Outcome } from './history.ts'
import { hugeComplaints } from './huge-transaction.ts'
import { checkSet, setComplaints, type SetOperation } from './insert-set.ts'
import { objectComplaints, type ObjectOperation, type ObjectsEnd } from './objects.ts'
import { checkWriters, writerComplaints, type Claim } from './one-writer.ts'
import { SeededRandom } from '../../support/random.ts'
import { checkRelaxed, relaxedComplaints, type Commit } from './relaxed.ts'

let moment = 0
function operation<T>(value: T, outcome: Outcome = 'ok'): Operation<T> {
  return { process: 0, outcome, value, began: moment++, ended: moment++ }
}
const insert = (value: number, outcome?: Outcome): Operation<SetOperation> =>
  operation<SetOperation>({ f: 'insert', value }, outcome)
const readSet = (...values: number[]): Operation<SetOperation> => operation<SetOperation>({ f: 'read', values })

describe('the insert set', () => {
  const complaints = (operations: Operation<SetOperation>[], ...final: number[]): string[] =>
    setComplaints(checkSet(operations, final))

  test('acknowledged ones are there, failed ones are not, unknown ones may be', () => {
    const operations = [
      insert(1),
      insert(2, 'fail'),
      insert(3, 'unknown'),
      insert(4, 'unknown'),
      readSet(1, 4),
      insert(5),
    ]
    assert.deepEqual(complaints(operations, 1, 4, 5), [])
    assert.deepEqual(complaints(operations, 1, 3, 4, 5), [])
  })

  test('a lost one is found', () => assert.match(complaints([insert(1), insert(2)], 2)[0]!, /lost: 1/))
  test('a failed one that is there is found', () => assert.match(complaints([insert(1, 'fail')], 1)[0]!, /risen: 1/))
  test('one that nobody inserted is found', () => assert.match(complaints([insert(1)], 1, 7)[0]!, /phantom: 7/))
  test('one that is there twice is found', () => assert.match(complaints([insert(1)], 1, 1)[0]!, /duplicated: 1/))
  test('a read that misses what was acknowledged before it began is found', () =>
    assert.match(complaints([insert(1), readSet()], 1)[0]!, /stale: 1/))
  test('a read that misses what an earlier read had seen is found', () =>
    assert.match(complaints([insert(1, 'unknown'), readSet(1), readSet()], 1)[0]!, /stale: 1/))
  test('a read that began before the acknowledgement may miss it', () => {
    const reading = { ...readSet(), began: -1 }
    assert.deepEqual(complaints([insert(1), reading], 1), [])
  })

  test('one lost among many is found, whichever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (count, which) => {
        const operations = Array.from({ length: count }, (_, n) => insert(n))
        const final = Array.from({ length: count }, (_, n) => n).filter((n) => n !== which % count)
        assert.deepEqual(checkSet(operations, final).lost, [which % count])
      }),
    )
  })
})

describe('the bank', () => {
  const BANK = { accounts: 3, each: 100 }
  const transfer = (id: number, from: number, to: number, outcome?: Outcome): Operation<BankOperation> =>
    operation<BankOperation>({ f: 'transfer', id, from, to, amount: 10 }, outcome)
  const readBalances = (...balances: number[]): Operation<BankOperation> =>
    operation<BankOperation>({ f: 'read', balances })

  test('sums that stay and a ledger that fits pass, whatever became of unknown transfers', () => {
    const operations = [
      transfer(1, 0, 1),
      readBalances(90, 110, 100),
      transfer(2, 1, 2, 'unknown'),
      transfer(3, 0, 2, 'fail'),
    ]
    assert.deepEqual(bankComplaints(operations, { balances: [90, 110, 100], ledger: [1] }, BANK), [])
    assert.deepEqual(bankComplaints(operations, { balances: [90, 100, 110], ledger: [1, 2] }, BANK), [])
  })

  test('a read in the middle of a transfer is found', () =>
    assert.match(
      bankComplaints([readBalances(90, 100, 100)], { balances: [100, 100, 100], ledger: [] }, BANK)[0]!,
      /sum of 290, not 300/,
    ))
  test('an acknowledged transfer that is lost is found', () =>
    assert.match(bankComplaints([transfer(1, 0, 1)], { balances: [100, 100, 100], ledger: [] }, BANK)[0]!, /is lost/))
  test('a failed transfer that took place is found', () =>
    assert.match(
      bankComplaints([transfer(1, 0, 1, 'fail')], { balances: [90, 110, 100], ledger: [1] }, BANK)[0]!,
      /failed and took place/,
    ))
  test('half of a transfer is found', () =>
    assert.match(
      bankComplaints([transfer(1, 0, 1)], { balances: [90, 100, 100], ledger: [1] }, BANK)[0]!,
      /the ledger makes them 90 110 100/,
    ))
  test('a transfer that nobody made and one that is there twice are found', () => {
    const found = bankComplaints([transfer(1, 0, 1)], { balances: [90, 110, 100], ledger: [1, 1, 9] }, BANK)
    assert.match(found.join('\n'), /twice[^]*transfer 9, which nobody made/)
  })
})

test('the same seed draws the same, and a fork draws on its own', () => {
  const draw = (random: SeededRandom): number[] => Array.from({ length: 5 }, () => random.between(0, 1000))
  assert.deepEqual(draw(new SeededRandom(7)), draw(new SeededRandom(7)))
  assert.notDeepEqual(draw(new SeededRandom(7)), draw(new SeededRandom(8)))
  const one = new SeededRandom(7)
  const fork = one.fork()
  draw(fork)
  const other = new SeededRandom(7)
  other.fork()
  assert.deepEqual(draw(one), draw(other))
})

describe('one writer', () => {
  const at = (value: number, timeline: number, began: number, ended: number, port = timeline): Operation<Claim> => ({
    process: port,
    outcome: 'ok',
    value: { value, by: { timeline, port } },
    began,
    ended,
  })
  const complaints = (operations: Operation<Claim>[], ...final: number[]): string[] =>
    writerComplaints(checkWriters(operations, final))

  test('one after the other passes, and an answer that was on its way', () => {
    const [asked, refused] = [at(2, 1, 2, 7), { ...at(4, 1, 8, 9), outcome: 'fail' } as const]
    assert.deepEqual(complaints([at(1, 1, 0, 1), asked, at(3, 2, 3, 6), refused, at(5, 2, 10, 11)], 1, 2, 3, 5), [])
  })
  test('one that goes on after another has begun is found', () =>
    assert.match(complaints([at(1, 1, 0, 1), at(2, 2, 2, 3), at(3, 1, 4, 5)], 1, 2, 3)[0]!, /late: 3/))
  test('two that became it out of the same past are found', () =>
    assert.match(complaints([at(1, 2, 0, 1, 7), at(2, 2, 2, 3, 8)], 1, 2)[0]!, /shared: 2/))
  test('one whose write is not there in the end is found', () =>
    assert.match(complaints([at(1, 1, 0, 1), at(2, 2, 2, 3)], 2)[0]!, /lost: 1/))
})

describe('a consumer', () => {
  const by = (process: number, value: number): Operation<number> => ({ ...operation(value), process })
  const inserts = [by(1, 1), by(2, 2), by(1, 3), by(2, 4), by(1, 5)]
  const complaints = (final: number[], ...lives: Life[]): string[] => consumerComplaints(inserts, final, lives)
  const all = [1, 2, 3, 4, 5]

  test('may be shown things twice, lose its slot at any point, and begin anew later', () => {
    assert.deepEqual(complaints(all, { since: 0, shown: [2, 1, 2, 1, 4, 3, 5] }), [])
    assert.deepEqual(complaints(all, { since: 0, shown: [1, 3] }, { since: 4, shown: [5] }), [])
    assert.deepEqual(complaints([1, 2, 3, 5], { since: 0, shown: [1, 2, 3, 5] }), [], 'one that failed')
  })
  test('that is shown what a failover took back is found', () =>
    assert.match(complaints([1, 2, 3, 4], { since: 0, shown: all })[0]!, /not there: 5/))
  test('that misses the end is found', () =>
    assert.match(complaints(all, { since: 0, shown: [1, 2, 3, 4] })[0]!, /never shown.*: 5/))
  test('that misses one before another of the same client is found, also in a life that is over', () =>
    assert.match(complaints(all, { since: 0, shown: [1, 5] }, { since: 5, shown: [] })[0]!, /never shown.*: 3/))
})

test('a huge transaction of which a part is there, or which is lost or risen, is found', () => {
  const complaints = (outcome: Outcome, found: number): string[] =>
    hugeComplaints([{ id: 1, rows: 9, outcome }], new Map([[1, found]]))
  assert.deepEqual([...complaints('ok', 9), ...complaints('unknown', 0), ...complaints('fail', 0)], [])
  assert.match(complaints('unknown', 4)[0]!, /4 of 9/)
  assert.match(complaints('ok', 0)[0]!, /lost/)
  assert.match(complaints('fail', 9)[0]!, /failed and is there/)
})

describe('relaxed commits', () => {
  const commit = (value: number, isStrict: boolean, connection = 1, outcome?: Outcome): Operation<Commit> =>
    operation<Commit>({ value, isStrict, connection }, outcome)
  const complaints = (operations: Operation<Commit>[], ...final: number[]): string[] =>
    relaxedComplaints(checkRelaxed(operations, final))

  test('the last relaxed ones of a connection may be taken back, and are counted', () => {
    const operations = [commit(1, false), commit(2, true), commit(3, false), commit(4, true, 2)]
    assert.deepEqual(complaints(operations, 1, 2, 4), [])
    assert.equal(checkRelaxed(operations, [1, 2, 4]).takenBack, 1)
  })
  test('a strict one that is lost is found', () =>
    assert.match(complaints([commit(1, false), commit(2, true)], 1)[0]!, /lost: 2/))
  for (const isStrict of [true, false])
    test(`a relaxed one that is lost before a ${isStrict ? 'strict' : 'relaxed'} one that is there is found`, () =>
      assert.match(complaints([commit(1, false), commit(2, isStrict)], 2)[0]!, /torn: 1/))
  test('one that failed and is there is found', () =>
    assert.match(complaints([commit(1, false, 1, 'fail')], 1)[0]!, /risen: 1/))
})

describe('objects', () => {
  const NOTHING: ObjectsEnd = { tables: [], drawn: [], prepared: [], committed: [], stored: new Map() }
  const does = (value: ObjectOperation, outcome?: Outcome): Operation<ObjectOperation> =>
    operation<ObjectOperation>(value, outcome)
  const complaints = (operations: Operation<ObjectOperation>[], end: Partial<ObjectsEnd> = {}): string[] =>
    objectComplaints(operations, { ...NOTHING, ...end })
  const prepared = does({ f: 'prepare', id: 1 })

  test('what was acknowledged is there, what is unknown may be', () => {
    const operations = [
      does({ f: 'create', id: 1 }),
      does({ f: 'create', id: 2 }),
      does({ f: 'drop', id: 2 }),
      does({ f: 'create', id: 3 }),
      does({ f: 'drop', id: 3 }, 'unknown'),
      does({ f: 'draw', number: 5 }),
      does({ f: 'draw', number: undefined }, 'unknown'),
      does({ f: 'prepare', id: 1 }),
      does({ f: 'commit-prepared', id: 1 }, 'unknown'),
      does({ f: 'commit-prepared', id: 1 }, 'fail'),
      does({ f: 'prepare', id: 2 }, 'unknown'),
      does({ f: 'store', id: 1 }),
    ]
    const stored = new Map([[1, true]])
    assert.deepEqual(complaints(operations, { tables: [1], drawn: [5], prepared: [1, 2], stored }), [])
    assert.deepEqual(complaints(operations, { tables: [1, 3], drawn: [5, 6], committed: [1], stored }), [])
  })

  const sown: readonly (readonly [what: string, said: RegExp, Operation<ObjectOperation>[], Partial<ObjectsEnd>?])[] = [
    ['a table that is lost', /table 1 was made and is lost/, [does({ f: 'create', id: 1 })]],
    [
      'a table that is there after its drop',
      /table 1 was dropped and is there/,
      [does({ f: 'create', id: 1 }), does({ f: 'drop', id: 1 })],
      { tables: [1] },
    ],
    ['a table that nobody made', /table 7 is there/, [], { tables: [7] }],
    ['a number given twice', /gave 5 twice/, [does({ f: 'draw', number: 5 })], { drawn: [5, 5] }],
    ['a number that is lost', /number 5 was written and is lost/, [does({ f: 'draw', number: 5 })]],
    ['a prepared transaction that is lost', /1 was prepared and is lost/, [prepared]],
    [
      'a prepared transaction whose commit is lost',
      /1 was committed and is not/,
      [prepared, does({ f: 'commit-prepared', id: 1 })],
      { prepared: [1] },
    ],
    ['a prepared transaction that commits by itself', /nobody did it/, [prepared], { committed: [1] }],
    ['one that is prepared and committed', /prepared and committed/, [prepared], { prepared: [1], committed: [1] }],
    ['one that could not be prepared', /could not be/, [does({ f: 'prepare', id: 1 }, 'fail')], { prepared: [1] }],
    ['a large object that is lost', /large object 1 was stored and is lost/, [does({ f: 'store', id: 1 })]],
    [
      'a large object with other bytes',
      /large object 1 is not what/,
      [does({ f: 'store', id: 1 })],
      { stored: new Map([[1, false]]) },
    ],
  ]
  for (const [what, said, operations, end] of sown)
    test(`${what} is found`, () => assert.match(complaints(operations, end)[0]!, said))
})
