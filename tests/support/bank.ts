/** A bank: accounts whose sum never changes, and a ledger of what was transferred. The workload of several proofs. */
import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'

export const ACCOUNTS = 8
export const OPENING_BALANCE = 1_000

export async function openBank(client: Client): Promise<void> {
  await client.query('CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)')
  await client.query('CREATE TABLE transfer (id uuid PRIMARY KEY, source int, target int, amount int)')
  await client.query(`INSERT INTO account SELECT n, ${OPENING_BALANCE} FROM generate_series(1, ${ACCOUNTS}) n`)
}

export interface Traffic {
  /** Ids of transfers whose commit was acknowledged, in the order of that. */
  readonly acknowledged: readonly string[]
  /** Ids of transfers of which nobody knows: the connection was lost before an answer. */
  readonly unknown: readonly string[]
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Transfers at random, one after the other on each of `clients` connections, until it is stopped. A connection that is
 * lost is opened anew with `connect`, for as long as that takes.
 */
export function startTransfers(connect: () => Promise<Client>, clients: number): Traffic {
  const acknowledged: string[] = []
  const unknown: string[] = []
  let stopped = false
  const teller = async (): Promise<void> => {
    while (!stopped) {
      const client = await connect().catch(() => undefined)
      if (!client) continue
      client.on('error', () => {})
      try {
        while (!stopped) {
          const id = randomUUID()
          const outcome = await transfer(client, id)
          if (outcome === 'lost') {
            unknown.push(id)
            break
          }
          if (outcome === 'done') acknowledged.push(id)
        }
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
  const tellers = Array.from({ length: clients }, teller)
  return {
    acknowledged,
    unknown,
    async stop() {
      stopped = true
      await Promise.all(tellers)
    },
  }
}

async function transfer(client: Client, id: string): Promise<'done' | 'refused' | 'lost'> {
  const [source, target] = [1, 2].map(() => 1 + Math.floor(Math.random() * ACCOUNTS))
  // In one order, so that no two transfers wait for each other.
  const [first, second] = [Math.min(source!, target!), Math.max(source!, target!)]
  const amount = source === target ? 0 : source === first ? 7 : -7
  try {
    await client.query('BEGIN')
    await client.query('UPDATE account SET balance = balance - $2 WHERE id = $1', [first, amount])
    await client.query('UPDATE account SET balance = balance + $2 WHERE id = $1', [second, amount])
    await client.query('INSERT INTO transfer VALUES ($1, $2, $3, $4)', [id, first, second, amount])
    await client.query('COMMIT')
    return 'done'
  } catch (error) {
    const hasAnswer = error instanceof Error && 'severity' in error && error.severity === 'ERROR'
    if (!hasAnswer) return 'lost'
    await client.query('ROLLBACK').catch(() => {})
    return 'refused'
  }
}

/** What a bank is at a moment. */
export interface BankState {
  readonly sum: number
  readonly balances: ReadonlyMap<number, number>
  readonly transfers: readonly {
    readonly id: string
    readonly source: number
    readonly target: number
    readonly amount: number
  }[]
}

export async function readBank(client: Client): Promise<BankState> {
  const accounts = (await client.query<{ id: number; balance: number }>('SELECT id, balance FROM account')).rows
  const transfers = (
    await client.query<BankState['transfers'][number]>('SELECT id::text, source, target, amount FROM transfer')
  ).rows
  return {
    sum: accounts.reduce((sum, { balance }) => sum + balance, 0),
    balances: new Map(accounts.map(({ id, balance }) => [id, balance])),
    transfers,
  }
}

/** When each transfer was committed, in milliseconds since the epoch. Needs `track_commit_timestamp`. */
export async function commitTimes(client: Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ id: string; at: string }>(
    `SELECT id::text, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::text AS at FROM transfer`,
  )
  return new Map(rows.map(({ id, at }) => [id, Number(at)]))
}
