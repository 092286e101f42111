/** Judges a database that was restored to a moment by what is known of the run that it comes from. Knows no Holdfast. */
import { ACCOUNTS, OPENING_BALANCE, type BankState } from '../../support/bank.ts'

export interface Run {
  /** When each transfer of the whole run was committed, in milliseconds since the epoch. */
  readonly committedAt: ReadonlyMap<string, number>
}

/**
 * The engine stops at the first commit in its log that is later than the moment. Commits take their time a little before
 * their place in the log, so that two at once may be in the other order there: only those this close may be missing.
 */
const OUT_OF_ORDER_MS_MAX = 50

/** What is wrong with it, in words; empty where nothing is. */
export function faultsOfMoment(run: Run, time: number, state: BankState): string[] {
  const faults: string[] = []
  const expectedSum = ACCOUNTS * OPENING_BALANCE
  if (state.sum !== expectedSum) faults.push(`the sum of all accounts is ${state.sum}, not ${expectedSum}`)
  const present = new Set(state.transfers.map(({ id }) => id))
  for (const id of present) {
    const at = run.committedAt.get(id)
    if (at === undefined) faults.push(`transfer ${id} is there and was never committed`)
    else if (at > time) faults.push(`transfer ${id} is there and was committed ${at - time} ms later`)
  }
  for (const [id, at] of run.committedAt)
    if (at <= time - OUT_OF_ORDER_MS_MAX && !present.has(id))
      faults.push(`transfer ${id} is not there and was committed ${time - at} ms earlier`)
  return [...faults, ...faultsOfBalances(state)]
}

/** Each balance is what the ledger makes of it: no half of a transfer is there. */
function faultsOfBalances({ balances, transfers }: BankState): string[] {
  const expected = new Map(Array.from({ length: ACCOUNTS }, (_, n) => [n + 1, OPENING_BALANCE]))
  for (const { source, target, amount } of transfers) {
    expected.set(source, expected.get(source)! - amount)
    expected.set(target, expected.get(target)! + amount)
  }
  return [...expected].flatMap(([id, balance]) =>
    balances.get(id) === balance ? [] : [`account ${id} has ${balances.get(id)}, and its transfers make ${balance}`],
  )
}
