import { bankComplaints, type Bank, type BankOperation, type Transfer } from '../bank.ts'
import { History } from '../history.ts'
import type { Query } from '../session.ts'
import { surely, type Workload } from './workload.ts'

const BANK: Bank = { accounts: 8, each: 1_000 }
const READS = 0.3

/** Transfers between few accounts under REPEATABLE READ, and snapshots of all balances. */
export function bank(): Workload {
  const history = new History<BankOperation>()
  let last = 0
  let summary = ''
  const balancesOf = async (query: Query): Promise<number[]> =>
    (await query('SELECT balance FROM account ORDER BY id')).rows.map((row) => Number(row['balance']))
  return {
    name: 'bank',
    setUp: (session) =>
      surely(session, 'READ COMMITTED', async (query) => {
        await query('CREATE TABLE IF NOT EXISTS account (id int PRIMARY KEY, balance int NOT NULL)')
        await query('CREATE TABLE IF NOT EXISTS ledger (id int PRIMARY KEY)')
        await query(
          'INSERT INTO account SELECT n, $1::int FROM generate_series(0, $2::int - 1) AS n ON CONFLICT DO NOTHING',
          [BANK.each, BANK.accounts],
        )
      }),
    async step(session, { process, random }) {
      if (random.chance(READS)) {
        const end = history.begin(process)
        const ended = await session.transaction('REPEATABLE READ', balancesOf)
        return end(ended?.outcome === 'ok' ? 'ok' : 'fail', { f: 'read', balances: ended?.value })
      }
      const from = random.between(0, BANK.accounts - 1)
      const to = (from + random.between(1, BANK.accounts - 1)) % BANK.accounts
      const transfer: Transfer = { f: 'transfer', id: ++last, from, to, amount: random.between(1, 50) }
      const end = history.begin(process)
      const ended = await session.transaction('REPEATABLE READ', async (query) => {
        await query('INSERT INTO ledger VALUES ($1)', [transfer.id])
        // In the order of accounts, so that no two wait for each other.
        const changes = [
          [from, -transfer.amount],
          [to, transfer.amount],
        ].sort((one, other) => one[0]! - other[0]!)
        for (const change of changes) await query('UPDATE account SET balance = balance + $2 WHERE id = $1', change)
      })
      end(ended?.outcome ?? 'fail', transfer)
    },
    acknowledged: () => history.count('ok'),
    async judge(session) {
      const end = await surely(session, 'REPEATABLE READ', async (query) => ({
        balances: await balancesOf(query),
        ledger: (await query('SELECT id FROM ledger')).rows.map((row) => Number(row['id'])),
      }))
      summary = `${history.count('ok')} transfers and snapshots, ${history.count('unknown')} unknown`
      return bankComplaints(history.operations, end, BANK)
    },
    summary: () => summary,
  }
}
