/** A client that inserts numbers one after another, and remembers which inserts were acknowledged. */
import assert from 'node:assert/strict'
import type { DBInstance } from '@aws-sdk/client-rds'
import type pg from 'pg'
import { connect, query, type Login } from './database.ts'
import { eventually, type Holdfast } from './holdfast.ts'

type Address = Pick<DBInstance, 'Endpoint'>

interface How {
  readonly login?: Login
  /** A new connection for each insert, so that new clients are seen, too. */
  readonly reconnects?: boolean
  /** The first number, where others insert their own. */
  readonly first?: number
}

/** Into the table `written`, over a new connection when one breaks. It stops when its scope ends, however that ends. */
export class AcknowledgedInserts {
  readonly acknowledged: number[] = []
  failures = 0
  private readonly holdfast: Holdfast
  private readonly address: Address
  private readonly how: How
  private stopping = false
  private next: number
  private readonly running: Promise<void>

  constructor(holdfast: Holdfast, address: Address, how: How = {}) {
    this.holdfast = holdfast
    this.address = address
    this.how = how
    this.next = how.first ?? 0
    this.running = this.run()
  }

  /** Resolves when so many more than now are acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.length + count
    await eventually(`${count} more acknowledged inserts`, () =>
      this.acknowledged.length >= wanted ? true : undefined,
    )
  }

  async stop(): Promise<void> {
    this.stopping = true
    await this.running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** What is acknowledged is there. */
  async assertKept(): Promise<void> {
    const rows = await query<{ n: number }>(this.holdfast, this.address, 'select n from written', this.how.login)
    const kept = new Set(rows.map(({ n }) => n))
    assert.deepEqual(
      this.acknowledged.filter((n) => !kept.has(n)),
      [],
      'acknowledged and lost',
    )
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      let client: pg.Client | undefined
      try {
        client = await connect(this.holdfast, this.address, this.how.login)
        client.on('error', () => {})
        do {
          const n = this.next++
          await client.query('insert into written values ($1)', [n])
          this.acknowledged.push(n)
        } while (!this.stopping && !this.how.reconnects)
      } catch {
        this.failures++
      } finally {
        await client?.end().catch(() => {})
      }
    }
  }
}
