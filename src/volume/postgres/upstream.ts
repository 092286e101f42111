/**
 * A head's side towards its writer, a PostgreSQL that was promoted onto the timeline with the epoch's number: its log as it
 * is written, and word of what is durable back to it. The writer's only synchronous standby.
 */
import { InvariantError, assert } from '#base/assert.ts'
import { SECOND_MS } from '#base/durations.ts'
import type { Clock, Timer } from '#host/clock.ts'
import { KIB } from '#base/bytes.ts'
import { dialReading, type Address } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import { lsnText } from '#wire/pg/lsn.ts'
import { RecordScanner } from '#wire/pg/record-scanner.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import type { Epoch, Horizon, Position } from '#wire/quorum/messages.ts'
import { NO_HORIZON } from '../horizons.ts'
import { ReplicationSession } from './replication-session.ts'

/** How often a writer hears where its head is when nothing moves; `wal_sender_timeout` is 60 s. */
const STATUS_MS = 10 * SECOND_MS

/** Between a lost connection to a writer and the next try. What waits for its commit waits for that. */
const AGAIN_MS = 50

/** Read of a writer's log at once: two of the longest messages that a sender makes. */
const LOG_READ_BYTES = 256 * KIB

export interface UpstreamOptions {
  /** The instance's own socket. */
  readonly address: Address
  readonly user: string
  readonly password: string
  /** By which `synchronous_standby_names` knows the head. */
  readonly name: string
  readonly epoch: Epoch
  readonly clock: Clock
  readonly random: Random
}

export interface UpstreamEvents {
  /** The writer is on the epoch's timeline, of which this is the first byte. Gives the end of a record, from which to read. Once. */
  epochStarts(position: Position): Position
  /** The next bytes. `lastBoundary`: the last end of a record in all that has come, at or before the end of these. */
  data(position: Position, bytes: Buffer, lastBoundary: Position): void
  /** The log streams, and what is confirmed is heard: the first time, and again after every loss. */
  attached(): void
  /** There is no connection to the writer, or none came about. It is tried again, for ever. */
  lost(error: Error): void
}

interface Reading {
  /** Of the epoch. */
  readonly start: Position
  /** From where it is read. */
  readonly from: Position
  readonly records: RecordScanner
}

export class Upstream {
  private readonly options: UpstreamOptions
  private readonly events: UpstreamEvents
  private session: ReplicationSession | undefined
  private isClosed = false
  private isOpen = true
  /** Once it is known where the epoch starts. Outlives connections: the next goes on at the next byte. */
  private reading: Reading | undefined
  private confirmed: Position = 0
  private horizon: Horizon = NO_HORIZON
  private timer: Timer | undefined

  constructor(options: UpstreamOptions, events: UpstreamEvents) {
    this.options = options
    this.events = events
  }

  /** Connects, now and whenever the connection is lost. */
  start(): void {
    void this.connect()
  }

  /** Everything before `position` is durable: the writer acknowledges what waits for it. Rises. */
  confirm(position: Position): void {
    if (position <= this.confirmed) return
    // What is durable before anything was read is what another head read in this epoch.
    assert(!this.reading || position <= this.reading.records.position, 'only what was read is confirmed')
    this.confirmed = position
    this.tell()
  }

  /** What readers of the volume need: the writer keeps it, until it hears otherwise, or this connection ends. */
  need(horizon: Horizon): void {
    this.horizon = horizon
    this.session?.need(horizon, this.options.clock.now())
  }

  /** Whether to read on. What the writer writes meanwhile waits there. */
  flow(isOpen: boolean): void {
    this.isOpen = isOpen
    this.session?.flow(isOpen)
  }

  close(): void {
    this.isClosed = true
    this.timer?.cancel()
    this.session?.close()
    this.session = undefined
  }

  private async connect(): Promise<void> {
    const { address, user, password, name, epoch, clock, random } = this.options
    let session: ReplicationSession | undefined
    let isLost = false
    const lost = (error: Error): void => {
      session?.close()
      if (isLost || this.isClosed) return
      isLost = true
      this.session = undefined
      this.timer?.cancel()
      this.timer = clock.after(AGAIN_MS, () => void this.connect())
      this.events.lost(error)
    }
    try {
      session = await ReplicationSession.open(
        {
          dial: (onBytes) => dialReading(address, LOG_READ_BYTES, onBytes),
          user,
          password,
          name,
          nonce: random.bytes(18),
        },
        { log: (position, pieces) => this.take(position, pieces), asked: () => this.tell(), ended: lost },
      )
      const { start, records } = await this.place(session)
      if (this.isClosed) return session.close()
      // Before the first byte, so that it finds everything in its place.
      this.session = session
      await session.startLog(lsnText(BigInt(records.position)), epoch)
      this.confirmed = Math.max(this.confirmed, start)
      session.flow(this.isOpen)
      this.tellAgain()
      this.events.attached()
    } catch (error) {
      if (error instanceof InvariantError) throw error
      lost(error as Error)
    }
  }

  /** Where the epoch starts, which the writer must agree upon at every connection. */
  private async place(session: ReplicationSession): Promise<Reading> {
    const { epoch } = this.options
    const [system] = await session.command('IDENTIFY_SYSTEM')
    const timeline = Number(system?.[1])
    if (timeline !== epoch) throw new Error(`the writer is on timeline ${timeline}, not on ${epoch}`)
    const [history] = await session.command(`TIMELINE_HISTORY ${epoch}`)
    const endsAt = parseHistory(history?.[1] ?? '').at(-1)?.endsAt
    if (endsAt === undefined) throw new Error(`timeline ${epoch} continues no other`)
    const start = Number(endsAt)
    assert(this.reading === undefined || this.reading.start === start, 'an epoch has one start')
    if (this.reading === undefined) {
      const from = this.isClosed ? start : this.events.epochStarts(start)
      this.reading = { start, from, records: new RecordScanner(from) }
    }
    return this.reading
  }

  private take(position: Position, pieces: readonly Buffer[]): void {
    const { from, records } = this.reading!
    if (position !== records.position) throw new Error(`the log jumps from ${records.position} to ${position}`)
    // The pieces are in memory that is read into again.
    const bytes = pieces.length === 1 ? Buffer.from(pieces[0]!) : Buffer.concat(pieces)
    records.feed(bytes)
    this.events.data(position, bytes, records.lastBoundary ?? from)
  }

  private tell(): void {
    this.session?.confirm(this.confirmed, this.options.clock.now())
  }

  /** A writer that hears nothing for `wal_sender_timeout` ends the connection; its questions may lie behind what is not read. */
  private tellAgain(): void {
    this.tell()
    this.need(this.horizon)
    this.timer?.cancel()
    this.timer = this.options.clock.after(STATUS_MS, () => this.tellAgain())
  }
}
