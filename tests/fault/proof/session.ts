/**
 * A client of an endpoint that outlives whatever becomes of its connections, and says of every transaction what is known
 * of it. Only a commit that was sent and not answered leaves an unknown outcome.
 */
import pg from 'pg'
import { systemClock } from '#host/clock.ts'
import type { Outcome } from './history.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly user: string
  readonly password: string
  readonly database: string
}

export type Isolation = 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE'
export type Query = (text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<Row>>
export type Row = Readonly<Record<string, unknown>>

export interface Ended<T> {
  readonly outcome: Outcome
  /** What the transaction gave, also where nobody knows whether it was committed. */
  readonly value: T | undefined
}

/** A statement that is not answered for so long is given up with its connection. Only decides how long a hang is borne. */
const STATEMENT_MS_MAX = 10_000
const CONNECT_MS_MAX = 5_000

/** Between two attempts to connect. */
const CONNECT_PAUSE_MS = 20

/** Nothing of the transaction took place: conflicts, constraints, a server that only reads. PostgreSQL manual, appendix A. */
const CERTAIN_FAILURE = /^(40001|40P01|23|22|25|42|53)/

/** The primary committed and gave up waiting for its standby: then nobody promises that the commit stays. */
const UNCONFIRMED = /synchronous replication/

let connections = 0

export class Session {
  private readonly endpoint: Endpoint
  private client: pg.Client | undefined
  private unconfirmed = false
  private closed = false
  /** Number of the connection that is used now or was last; no other session has one of the same number. */
  connection = 0

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }

  /**
   * Runs a transaction once. Resolves, never rejects: it failed for certain unless the commit had been sent. Undefined
   * when there was no connection to be had: nothing was even tried.
   */
  async transaction<T>(isolation: Isolation, work: (query: Query) => Promise<T>): Promise<Ended<T> | undefined> {
    const client = await this.connected()
    if (!client) return undefined
    this.unconfirmed = false
    const query: Query = (text, values) => this.answered(client, text, values)
    let value: T
    try {
      await query(`BEGIN ISOLATION LEVEL ${isolation}`)
      value = await work(query)
    } catch (error) {
      await this.rollBack(client, error)
      return { outcome: 'fail', value: undefined }
    }
    try {
      const { command } = await query('COMMIT')
      return { outcome: command !== 'COMMIT' ? 'fail' : this.unconfirmed ? 'unknown' : 'ok', value }
    } catch (error) {
      return { outcome: await this.outcomeOf(client, error), value }
    }
  }

  /** One statement that commits by itself. */
  async statement(text: string, values: readonly unknown[]): Promise<Ended<pg.QueryResult<Row>> | undefined> {
    const client = await this.connected()
    if (!client) return undefined
    this.unconfirmed = false
    try {
      const value = await this.answered(client, text, values)
      return { outcome: this.unconfirmed ? 'unknown' : 'ok', value }
    } catch (error) {
      return { outcome: await this.outcomeOf(client, error), value: undefined }
    }
  }

  async close(): Promise<void> {
    this.closed = true
    await this.drop()
  }

  private async outcomeOf(client: pg.Client, error: unknown): Promise<Outcome> {
    const isCertain = CERTAIN_FAILURE.test(codeOf(error))
    await (isCertain ? this.rollBack(client, error) : this.drop())
    return isCertain ? 'fail' : 'unknown'
  }

  /** Back to a connection without a transaction, or to none. */
  private async rollBack(client: pg.Client, error: unknown): Promise<void> {
    // A server whose error has no place in the protocol's order, or that has ended, is not worth asking.
    if (!/^[0-9A-Z]{5}$/.test(codeOf(error)) || /^(57|08)/.test(codeOf(error))) return this.drop()
    try {
      await this.answered(client, 'ROLLBACK')
    } catch {
      await this.drop()
    }
  }

  private async connected(): Promise<pg.Client | undefined> {
    if (this.client) return this.client
    if (this.closed) return undefined
    const { host, port, ca, user, password, database } = this.endpoint
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database,
      ssl: { ca, servername: host },
      connectionTimeoutMillis: CONNECT_MS_MAX,
      application_name: 'traffic',
    })
    client.on('error', () => void (this.client === client && (this.client = undefined)))
    client.on('notice', ({ message }) => void (this.unconfirmed ||= UNCONFIRMED.test(message ?? '')))
    try {
      await client.connect()
    } catch {
      socketOf(client).destroy()
      await systemClock.sleep(CONNECT_PAUSE_MS)
      return undefined
    }
    this.client = client
    this.connection = ++connections
    return client
  }

  private async answered(
    client: pg.Client,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult<Row>> {
    const giveUp = systemClock.after(STATEMENT_MS_MAX, () => socketOf(client).destroy(new Error('no answer')))
    try {
      return await client.query<Row>(text, [...values])
    } finally {
      giveUp.cancel()
    }
  }

  private async drop(): Promise<void> {
    const { client } = this
    this.client = undefined
    if (client) socketOf(client).destroy()
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''

const socketOf = (client: pg.Client): { destroy(error?: Error): void } =>
  (client as unknown as { connection: { stream: { destroy(error?: Error): void } } }).connection.stream
