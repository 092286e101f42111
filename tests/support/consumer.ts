/** A client that reads a logical slot of the plugin test_decoding over the replication protocol, transaction by transaction. */
import pg from 'pg'
import type { Connection } from 'pg'
import { systemClock } from '#host/clock.ts'
import { lsnText } from '#wire/pg/lsn.ts'
import { parseFromSender, statusUpdate } from '#wire/pg/replication-messages.ts'

/** What `pg` has for COPY beyond its declared types. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void
}

export interface Change {
  /** `table public.t: INSERT: n[integer]:1` */
  readonly lines: readonly string[]
  /** Where its commit ends. */
  readonly lsn: bigint
}

/** A connection for commands of the replication protocol, in one database. The caller ends it. */
export async function openWalSender(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...config, replication: 'database' } as pg.ClientConfig)
  client.on('error', () => {})
  await client.connect()
  return client
}

export class Consumer {
  private readonly client: pg.Client
  private lines: string[] = []
  private confirmed: bigint
  /** Resolves with why there is no more to come: the error of the server, or of the connection. */
  readonly ended: Promise<Error>

  private constructor(client: pg.Client, ended: Promise<Error>, from: bigint) {
    this.client = client
    this.ended = ended
    this.confirmed = from
  }

  /**
   * Resolves once the server streams what follows after `from`, or rejects with why it does not. What `take` was called
   * with and did not throw is confirmed.
   */
  static async open(
    config: pg.ClientConfig,
    { slot, from = 0n }: { readonly slot: string; readonly from?: bigint },
    take: (change: Change) => void,
  ): Promise<Consumer> {
    const client = await openWalSender(config)
    const ended = Promise.withResolvers<Error>()
    client.once('end', () => ended.resolve(new Error('the connection has ended')))
    client.on('error', (error) => ended.resolve(error))
    const consumer = new Consumer(client, ended.promise, from)
    const connection = consumer.connection
    connection.on('copyData', ({ chunk }: { chunk: Buffer }) => consumer.read(chunk, take))
    const started = new Promise<void>((resolve) => connection.once('replicationStart', () => resolve()))
    client.query(`START_REPLICATION SLOT "${slot}" LOGICAL ${lsnText(from)} ("skip-empty-xacts" 'on')`).then(
      () => ended.resolve(new Error('the stream has ended')),
      (error: unknown) => ended.resolve(error as Error),
    )
    const failed = await Promise.race([started, ended.promise])
    if (!failed) return consumer
    await client.end().catch(() => {})
    throw failed
  }

  /** Goes away without a word, so that nothing is confirmed on the way. */
  close(): void {
    this.connection.stream.destroy()
    void this.client.end().catch(() => {})
  }

  private get connection(): CopyConnection {
    return this.client.connection as CopyConnection
  }

  private read(chunk: Buffer, take: (change: Change) => void): void {
    const message = parseFromSender(chunk)
    if (message.type === 'keepalive') return message.wantsReply ? this.confirm(this.confirmed) : undefined
    const line = message.data.toString()
    if (line.startsWith('BEGIN')) this.lines = []
    else if (!line.startsWith('COMMIT')) this.lines.push(line)
    else {
      take({ lines: this.lines, lsn: message.start })
      this.confirm(message.start)
    }
  }

  private confirm(lsn: bigint): void {
    this.confirmed = lsn
    this.connection.sendCopyFromChunk(statusUpdate({ writtenTo: lsn, flushedTo: lsn, now: systemClock.now() }))
  }
}
