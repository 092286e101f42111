/**
 * Judges transfers between accounts. Each writes its own line of a ledger in its transaction, so the end shows which took
 * place; each read is one snapshot of all balances, whose sum never changes.
 */
import type { Operation } from './history.ts'

export interface Transfer {
  readonly f: 'transfer'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly amount: number
}

export type BankOperation = Transfer | { readonly f: 'read'; readonly balances: readonly number[] | undefined }

export interface BankEnd {
  readonly balances: readonly number[]
  /** Ids of the transfers that took place. */
  readonly ledger: readonly number[]
}

export interface Bank {
  readonly accounts: number
  /** Of every account at first. */
  readonly each: number
}

/** What is wrong, for a person; empty when nothing is. */
export function bankComplaints(operations: readonly Operation<BankOperation>[], end: BankEnd, bank: Bank): string[] {
  const complaints: string[] = []
  const total = bank.accounts * bank.each
  const sum = (balances: readonly number[]): number => balances.reduce((a, b) => a + b, 0)
  for (const { outcome, value, process } of operations)
    if (outcome === 'ok' && value.f === 'read' && value.balances) {
      if (sum(value.balances) !== total)
        complaints.push(
          `client ${process} read a sum of ${sum(value.balances)}, not ${total}: ${value.balances.join(' ')}`,
        )
      if (value.balances.length !== bank.accounts)
        complaints.push(`client ${process} read ${value.balances.length} accounts`)
    }
  const transfers = new Map<number, Operation<BankOperation> & { value: Transfer }>()
  for (const operation of operations)
    if (operation.value.f === 'transfer') transfers.set(operation.value.id, { ...operation, value: operation.value })
  const ledger = new Set(end.ledger)
  if (ledger.size < end.ledger.length) complaints.push('the ledger has a transfer twice')
  for (const { outcome, value } of transfers.values()) {
    if (outcome === 'ok' && !ledger.has(value.id)) complaints.push(`transfer ${value.id} was acknowledged and is lost`)
    if (outcome === 'fail' && ledger.has(value.id)) complaints.push(`transfer ${value.id} failed and took place`)
  }
  const expected = Array.from({ length: bank.accounts }, () => bank.each)
  for (const id of ledger) {
    const transfer = transfers.get(id)?.value
    if (!transfer) complaints.push(`the ledger has transfer ${id}, which nobody made`)
    else {
      expected[transfer.from]! -= transfer.amount
      expected[transfer.to]! += transfer.amount
    }
  }
  if (expected.join(' ') !== end.balances.join(' '))
    complaints.push(`balances are ${end.balances.join(' ')}; the ledger makes them ${expected.join(' ')}`)
  return complaints
}
