/** The checkers of the insert set and of the bank, on histories that must pass and on histories that must not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bankComplaints, type BankOperation } from './bank.ts'
import type { Operation, Outcome } from './history.ts'
import { checkSet, setComplaints, type SetOperation } from './insert-set.ts'
import { SeededRandom } from './random.ts'

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
