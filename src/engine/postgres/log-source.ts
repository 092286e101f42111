/**
 * The log of PostgreSQL over its replication protocol: of a running engine through the instance's own socket, or of a cluster
 * volume out of the feeds of its log nodes.
 */
// PostgreSQL 18 manual, 54.4.
import { messageOf } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'
import { parseLsn, lsnText } from '#wire/pg/lsn.ts'
import { parseFromSender, statusUpdate } from '#wire/pg/replication-messages.ts'
import type { Client, Connection } from 'pg'
import { LogGone, type LogPlace, type LogSource, type LogStream } from '../log-source.ts'
import type { VolumeLog } from '../volume-engine.ts'
import { openFeeds } from './feed-clients.ts'
import { openReplication, sqlStateOf, withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

/** Keeps the log from being recycled. Of this cluster alone: copies of the folder leave slots out. */
const SLOT = 'rds_archive'

/** SQLSTATE of 'requested WAL segment has already been removed'. */
const FILE_MISSING = '58P01'

interface At {
  readonly folder: string
  readonly surroundings: Surroundings
}

export async function openLogSource(at: At): Promise<LogSource> {
  const commands = await openReplication(at)
  return {
    async identify() {
      const { rows } = await commands.query<{ timeline: number; xlogpos: string }>('IDENTIFY_SYSTEM')
      const { timeline, xlogpos } = rows[0]!
      return { timeline: Number(timeline), lsn: parseLsn(xlogpos), behindMs: 0 }
    },
    keep: () => keepLog(at),
    async release() {
      await withSession(at, ({ query }) =>
        query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [SLOT]),
      )
    },
    history: (timeline) => historyOf(commands, timeline),
    stream: async (from, onData) =>
      new PostgresLogStream(await openReplication(at), at.surroundings.clock, `SLOT ${SLOT} `).start(from, onData),
    close: () => commands.end().catch(() => {}),
  }
}

/** What is kept is not this reader's to say: whoever lets log nodes drop log asks where the archive ends. */
export async function openVolumeLog(log: VolumeLog, clock: Clock): Promise<LogSource> {
  const feeds = await openFeeds(log, clock)
  return {
    identify: () => feeds.identify(),
    async keep() {},
    async release() {},
    history: (timeline) => historyOf(feeds.commands, timeline),
    stream: async (from, onData) => new PostgresLogStream(await feeds.another(), clock, '').start(from, onData),
    close: () => feeds.close(),
  }
}

async function historyOf(commands: Client, timeline: number): Promise<string> {
  const { rows } = await commands.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`)
  return rows[0]!.content.toString()
}

async function keepLog(at: At): Promise<void> {
  await withSession(at, async ({ query }) => {
    const [slot] = await query<{ lost: boolean }>(
      'SELECT restart_lsn IS NULL AS lost FROM pg_replication_slots WHERE slot_name = $1',
      [SLOT],
    )
    if (slot && !slot.lost) return
    if (slot) await query('SELECT pg_drop_replication_slot($1)', [SLOT])
    await query('SELECT pg_create_physical_replication_slot($1, true)', [SLOT])
  })
}

/** What `pg` has for COPY beyond its declared types. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

class PostgresLogStream implements LogStream {
  private readonly client: Client
  private readonly clock: Clock
  private readonly slot: string
  private readonly end = Promise.withResolvers<LogPlace>()
  private received = 0n
  private confirmed = 0n

  /** `slot`: the part of the command that names one, or nothing. */
  constructor(client: Client, clock: Clock, slot: string) {
    this.client = client
    this.clock = clock
    this.slot = slot
    // Whoever has closed the stream does not ask any more how it ended.
    this.end.promise.catch(() => {})
  }

  private get connection(): CopyConnection {
    return this.client.connection as CopyConnection
  }

  get ended(): Promise<LogPlace> {
    return this.end.promise
  }

  /** Resolves once the server streams. */
  start({ timeline, lsn }: LogPlace, onData: (bytes: Buffer) => void): Promise<this> {
    const started = Promise.withResolvers<this>()
    const { connection } = this
    this.received = lsn
    this.confirmed = lsn
    connection.once('replicationStart', () => started.resolve(this))
    connection.on('copyData', ({ chunk }: { chunk: Buffer }) => this.take(chunk, onData))
    connection.once('copyDone', () => connection.endCopyFrom())
    const failed = (error: unknown): void => {
      const gone = sqlStateOf(error) === FILE_MISSING
      const failure = gone ? new LogGone(messageOf(error), { cause: error }) : (error as Error)
      started.reject(failure)
      this.end.reject(failure)
    }
    this.client.once('end', () => failed(new Error('the connection for the log has ended')))
    this.client
      .query<{ next_tli: string; next_tli_startpos: string }>(
        `START_REPLICATION ${this.slot}PHYSICAL ${lsnText(lsn)} TIMELINE ${timeline}`,
      )
      .then((result) => {
        // The command ends with one result or two, of which the first has the row.
        const row = [result].flat()[0]?.rows[0]
        if (!row) return failed(new Error('the log has ended without another timeline'))
        this.end.resolve({ timeline: Number(row.next_tli), lsn: parseLsn(row.next_tli_startpos) })
      }, failed)
    return started.promise
  }

  confirm(lsn: bigint): void {
    this.confirmed = lsn
    const update = { writtenTo: this.received, flushedTo: lsn, now: this.clock.now() }
    this.connection.sendCopyFromChunk(statusUpdate(update))
  }

  pause(): void {
    this.connection.stream.pause()
  }

  resume(): void {
    this.connection.stream.resume()
  }

  close(): void {
    this.connection.stream.destroy()
    void this.client.end().catch(() => {})
  }

  private take(chunk: Buffer, onData: (bytes: Buffer) => void): void {
    const message = parseFromSender(chunk)
    if (message.type === 'keepalive') {
      if (message.wantsReply) this.confirm(this.confirmed)
      return
    }
    if (message.start !== this.received) {
      this.end.reject(new Error(`the log jumps from ${lsnText(this.received)} to ${lsnText(message.start)}`))
      return this.close()
    }
    this.received += BigInt(message.data.length)
    // The connection reuses the memory that it reads into.
    onData(Buffer.from(message.data))
  }
}
