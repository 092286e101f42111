/** What the gateway asks an engine for itself: whether all that has been committed there would survive a failover. */
import type { Client } from 'pg'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { GuardedRoute, RouteTarget } from '#wire/endpoint/messages.ts'
import { MISSING_FUNCTION } from '#wire/postgres/assurance.ts'
import { ASK_MS_MAX, ASK_PAUSE_MS, ASSURANCE_MS_MAX, ASKING_IDLE_MS } from '../limits.ts'

type Terms = Pick<GuardedRoute, 'tls' | 'asking'>

/**
 * There is no such function, or no such role: an engine that was started by an earlier version, and has been told of
 * neither yet. It is served as it was by that.
 */
const UNTOLD: ReadonlySet<string> = new Set(['42883', '28000', '28P01'])

/** Sessions that ask at the same time share a question, and all of them one connection, which ends soon after the last. */
export class Assurance {
  private readonly target: RouteTarget
  private readonly terms: Terms
  private readonly clock: Clock
  private readonly log: Log
  private client: Promise<Client> | undefined
  /** The question under way, and the one after it: what was asked before somebody came says nothing of him. */
  private current: Promise<unknown> = Promise.resolve()
  private upcoming: Promise<string | null> | undefined
  private idle: Timer | undefined

  constructor(target: RouteTarget, terms: Terms, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.target = target
    this.terms = terms
    this.clock = clock
    this.log = log
  }

  /**
   * True when whatever was committed before this call has reached a standby, or is not waited for any more, and from
   * engines that cannot be asked. False: not in time, or nobody can tell.
   */
  async isGiven(): Promise<boolean> {
    const since = this.clock.monotonic()
    let upto: string | undefined
    for (;;) {
      try {
        const missing: string | null = await (upto === undefined ? this.first() : this.ask(upto))
        if (missing === null) return true
        upto = missing
      } catch (error) {
        this.log.debug({ error, target: this.target.name }, 'an engine could not be asked')
        this.hangUp()
        if (UNTOLD.has(String((error as { code?: unknown }).code))) return true
      }
      if (this.clock.monotonic() - since >= ASSURANCE_MS_MAX) return false
      await this.clock.sleep(ASK_PAUSE_MS)
    }
  }

  hangUp(): void {
    const { client } = this
    this.idle?.cancel()
    this.client = undefined
    client?.then((open) => open.end()).catch(() => {})
  }

  private first(): Promise<string | null> {
    this.upcoming ??= this.current.then(() => {
      this.upcoming = undefined
      const answer = this.ask(undefined)
      this.current = answer.catch(() => {})
      return answer
    })
    return this.upcoming
  }

  private async ask(upto: string | undefined): Promise<string | null> {
    this.idle?.cancel()
    const client = await (this.client ??= this.connect())
    const { rows } = await client.query<{ missing: string | null }>({
      name: upto === undefined ? 'first' : 'again',
      text: `SELECT pg_catalog.${MISSING_FUNCTION}($1)::text AS missing`,
      values: [upto ?? null],
    })
    this.idle?.cancel()
    this.idle = this.clock.after(ASKING_IDLE_MS, () => this.hangUp())
    return rows[0]!.missing
  }

  /** The database `postgres` is the master user's, who may have dropped it. */
  private connect(): Promise<Client> {
    return this.connectTo('postgres').catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== '3D000') throw error
      return this.connectTo('template1')
    })
  }

  private async connectTo(database: string): Promise<Client> {
    const { Client } = (await import('pg')).default
    const { host, port } = this.target
    const client = new Client({
      host,
      port,
      database,
      ...this.terms.asking,
      ssl: { ca: this.terms.tls.caPem, servername: 'localhost' },
      application_name: 'rdsgate',
      connectionTimeoutMillis: ASK_MS_MAX,
      query_timeout: ASK_MS_MAX,
      // The owner of a database may set much for all sessions in it.
      options: '-c role=none -c search_path=pg_catalog -c default_transaction_read_only=off -c statement_timeout=0',
    })
    client.on('error', () => {})
    try {
      await client.connect()
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    return client
  }
}
