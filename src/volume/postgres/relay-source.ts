/**
 * A relay's side towards the volume whose log it brings: that of a reader of the volume's feeds, one timeline after the other,
 * at whichever of its log nodes answers.
 *
 *   dial ──► whose log, up to which timeline ──► its history ──► the log of one timeline ──► lost, or over ──► dial the next
 */
import { InvariantError } from '#base/assert.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Duplex } from '#host/far-socket.ts'
import type { Socket } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import type { TcpAddress } from '#host/tcp.ts'
import { lsnText, parseLsn } from '#wire/pg/lsn.ts'
import { RecordScanner } from '#wire/pg/record-scanner.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import type { Epoch, History, Horizon, Position } from '#wire/quorum/messages.ts'
import { epochAt } from '../history.ts'
import { NO_HORIZON } from '../horizons.ts'
import { dialFeed } from './dial-feed.ts'
import { HEARTBEAT_MS, SOURCE_AGAIN_MS, SOURCE_OPENING_MS_MAX, SOURCE_SILENT_MS_MAX } from './limits.ts'
import { ReplicationSession } from './replication-session.ts'

export interface RelaySourceOptions {
  /** Of the volume's log nodes, tried in turn. */
  readonly feeds: readonly TcpAddress[]
  /** Whose log it is, and by what its readers are let in. */
  readonly volume: string
  readonly password: string
  readonly caPem: string
  /** Under which feeds know this reader. */
  readonly name: string
  readonly systemId: string
  /** Where both logs begin: no history says it. */
  readonly begin: Position
  /** What is between here and there, where that takes time. */
  readonly away: (socket: Socket) => Duplex
  readonly clock: Clock
  readonly random: Random
}

export interface RelaySourceEvents {
  /** The history of what is durable there. Gives the end of a record, from where on to read; undefined: there is no use. */
  follows(history: History): Position | undefined
  /** The next bytes, of one timeline. `boundary`: the last end of a record in all that has come, at or before their end. */
  data(position: Position, bytes: Buffer, boundary: Position): void
  /** Everything before `end` was durable there, and no more, at this wall time. */
  heard(end: Position, atMs: number): void
  /** There is no connection any more, or none came about. It is tried again, for ever. */
  lost(error: Error): void
}

export class RelaySource {
  private readonly options: RelaySourceOptions
  private readonly events: RelaySourceEvents
  private session: ReplicationSession | undefined
  /** Outlives connections, as long as the next goes on at the next byte. */
  private reading: { readonly from: Position; readonly records: RecordScanner } | undefined
  private confirmed: Position = 0
  private horizon: Horizon = NO_HORIZON
  private tries = 0
  private isOpen = true
  private isClosed = false
  private timer: Timer | undefined
  /** When the source was heard last, in monotonic time, and asked, in wall time. */
  private heardMs = 0
  private askedAtMs = 0

  constructor(options: RelaySourceOptions, events: RelaySourceEvents) {
    this.options = options
    this.events = events
  }

  start(): void {
    void this.connect()
  }

  /** Everything before `position` is durable here. */
  confirm(position: Position): void {
    this.confirmed = position
    this.session?.confirm(position, this.options.clock.now())
  }

  /** What readers of the copy need of what the source's writer may remove. */
  need(horizon: Horizon): void {
    this.horizon = horizon
    this.session?.need(horizon, this.options.clock.now())
  }

  /** Whether to read on. */
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
    const { feeds, volume, password, caPem, name, away, clock, random } = this.options
    const address = feeds[this.tries++ % feeds.length]!
    let session: ReplicationSession | undefined
    let isLost = false
    const lost = (error: Error): void => {
      session?.close()
      if (isLost || this.isClosed) return
      isLost = true
      this.session = undefined
      this.timer?.cancel()
      this.timer = clock.after(SOURCE_AGAIN_MS, () => void this.connect())
      this.events.lost(error)
    }
    // Whoever answers at all does so within this.
    this.timer = clock.after(SOURCE_OPENING_MS_MAX, () => lost(new Error('the source is slow to let a reader in')))
    try {
      session = await ReplicationSession.open(
        {
          dial: (onBytes) => dialFeed(address, { caPem, away, onBytes }),
          user: volume,
          password,
          name,
          nonce: random.bytes(18),
        },
        {
          log: (position, pieces) => this.take(position, pieces),
          asked: () => this.ask(),
          heard: ({ end, sentAtMs }) => this.hear(end, sentAtMs),
          ended: lost,
        },
      )
      const history = isLost ? undefined : await this.historyOf(session)
      if (!history || isLost || this.isClosed) return session.close()
      const from = this.events.follows(history)
      if (from === undefined || this.isClosed) return session.close()
      if (this.reading?.records.position !== from) this.reading = { from, records: new RecordScanner(from) }
      // Before the first byte, so that it finds everything in its place.
      this.session = session
      await session.startLog(lsnText(BigInt(from)), epochAt(history, from)!)
      // A timeline that is over ends as soon as it begins.
      if (isLost) return
      session.flow(this.isOpen)
      this.need(this.horizon)
      // The one that answers is the one to come back to.
      this.tries--
      this.heardMs = clock.monotonic()
      this.beat(lost)
    } catch (error) {
      if (error instanceof InvariantError) throw error
      lost(error as Error)
    }
  }

  private async historyOf(session: ReplicationSession): Promise<History> {
    const { systemId, begin, clock } = this.options
    const askedAt = clock.now()
    const [system] = await session.command('IDENTIFY_SYSTEM')
    if (system?.[0] !== systemId) throw new Error('this is the log of another database')
    const timeline: Epoch = Number(system[1])
    this.askedAtMs = askedAt
    this.hear(Number(parseLsn(system[2] ?? '')), askedAt)
    const starts: { epoch: Epoch; start: Position }[] = []
    let start = begin
    if (timeline > FIRST_EPOCH) {
      const [file] = await session.command(`TIMELINE_HISTORY ${timeline}`)
      for (const { timeline: epoch, endsAt } of parseHistory(file?.[1] ?? '')) {
        starts.push({ epoch, start })
        start = Number(endsAt)
      }
    }
    return [...starts, { epoch: timeline, start }]
  }

  private take(position: Position, pieces: readonly Buffer[]): void {
    const { from, records } = this.reading!
    if (position !== records.position) throw new Error(`the log jumps from ${records.position} to ${position}`)
    this.heardMs = this.options.clock.monotonic()
    // The pieces are in memory that is read into again.
    const bytes = Buffer.concat(pieces)
    records.feed(bytes)
    this.events.data(position, bytes, records.lastBoundary ?? from)
  }

  private hear(end: Position, sentAtMs: number): void {
    const { clock } = this.options
    this.heardMs = clock.monotonic()
    // Clocks of distant hosts differ: it was said after it was asked for, and before it was heard.
    this.events.heard(end, Math.min(Math.max(sentAtMs, this.askedAtMs), clock.now()))
  }

  private ask(): void {
    const { clock } = this.options
    this.askedAtMs = clock.now()
    this.session?.confirm(this.confirmed, this.askedAtMs, true)
  }

  private beat(lost: (error: Error) => void): void {
    const { clock } = this.options
    this.timer?.cancel()
    if (clock.monotonic() - this.heardMs > SOURCE_SILENT_MS_MAX) return lost(new Error('the source is silent'))
    this.ask()
    this.timer = clock.after(HEARTBEAT_MS, () => this.beat(lost))
  }
}

/** Of the image that a volume begins with. It has no history. */
const FIRST_EPOCH = 1
