/** A receiver of a log over physical replication that does what a test says, and nothing by itself. */
import type { Socket } from 'node:net'
import pg from 'pg'
import type { Connection } from 'pg'
import { lsnText } from '#wire/pg/lsn.ts'
import { parseFromSender } from '#wire/pg/replication-messages.ts'

/** What `pg` has for COPY beyond its declared types. */
interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

export interface NextTimeline {
  readonly next_tli: string
  readonly next_tli_startpos: string
}

export class WalReader {
  readonly client: pg.Client
  /** How many messages with log came. */
  messages = 0
  /** How many keepalives came, and how many of them wanted an answer. */
  keepalives = 0
  asked = 0
  /** Told of each piece of the log. */
  onData: ((data: Buffer) => void) | undefined
  /** Of the log: everything before it has come. */
  end = 0
  /** Up to where the server last said that its log goes. */
  saidEnd = 0
  private pieces: Buffer[] = []

  private constructor(client: pg.Client) {
    this.client = client
  }

  /** Rejects with the server's error when it does not let the reader in. */
  static async open(config: pg.ClientConfig): Promise<WalReader> {
    const client = new pg.Client({ host: '127.0.0.1', replication: 'true', ...config } as pg.ClientConfig)
    client.on('error', () => {})
    await client.connect()
    return new WalReader(client)
  }

  get socket(): Socket {
    return this.connection.stream as unknown as Socket
  }

  /** Everything that came, one after the other. */
  get received(): Buffer {
    return Buffer.concat(this.pieces)
  }

  async row(command: string): Promise<Record<string, string | null>> {
    const { rows } = await this.client.query<Record<string, string | null>>(command)
    return rows[0]!
  }

  /**
   * `started` once the server streams. `ended` with what it says of the next timeline, undefined when it streams none; both
   * reject with its error.
   */
  start(at: number, timeline: number): { started: Promise<void>; ended: Promise<NextTimeline | undefined> } {
    this.end = at
    this.pieces = []
    const started = Promise.withResolvers<void>()
    const { connection } = this
    const take = ({ chunk }: { chunk: Buffer }): void => this.take(chunk)
    connection.removeAllListeners('copyData').on('copyData', take)
    connection.removeAllListeners('copyDone').once('copyDone', () => connection.endCopyFrom())
    connection.once('replicationStart', () => started.resolve())
    const ended = this.client
      .query<NextTimeline>(`START_REPLICATION ${lsnText(BigInt(at))} TIMELINE ${timeline}`)
      .then((result) => [result].flat()[0]?.rows[0])
    ended.then(() => started.resolve(), started.reject)
    started.promise.catch(() => {})
    return { started: started.promise, ended }
  }

  say(status: Buffer): void {
    this.connection.sendCopyFromChunk(status)
  }

  /** Wants no more of this timeline. */
  stop(): void {
    this.connection.endCopyFrom()
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.client.end().catch(() => {})
  }

  private get connection(): CopyConnection {
    return this.client.connection as CopyConnection
  }

  private take(chunk: Buffer): void {
    const message = parseFromSender(chunk)
    this.saidEnd = Number(chunk.readBigUInt64BE(message.type === 'keepalive' ? 1 : 9))
    if (message.type === 'keepalive') {
      this.keepalives++
      if (message.wantsReply) this.asked++
    } else {
      if (Number(message.start) !== this.end) throw new Error(`the log jumps from ${this.end} to ${message.start}`)
      this.messages++
      this.end += message.data.length
      // The connection reuses the memory that it reads into.
      const data = Buffer.from(message.data)
      this.pieces.push(data)
      this.onData?.(data)
    }
  }
}
