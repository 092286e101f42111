/**
 * One timeline of a log on its way to a reader.
 *
 *   sending ──all of an epoch that is over──► ended ──CopyDone of both──► over
 *      └────────────CopyDone of the reader──────────────────────────────────┘
 */
import { assert } from '#base/assert.ts'
import type { Clock } from '#host/clock.ts'
import { copyDone } from '#wire/pg/backend-messages.ts'
import { lsnText, segmentName } from '#wire/pg/lsn.ts'
import { keepaliveMessage, logMessage, type FromReceiver } from '#wire/pg/replication-messages.ts'
import type { Epoch, Position } from '#wire/quorum/messages.ts'
import { epochAt } from '../history.ts'
import { epochEnd } from './feed-timelines.ts'
import { PIECE_BYTES_MAX } from './limits.ts'
import type { LogSource } from './log-source.ts'

/** What a reader asked for cannot be had, in PostgreSQL's words, by which an agent knows what is wrong with it. */
export class NotHere extends Error {
  override readonly name = 'NotHere'
  readonly code: string
  readonly detail: string | undefined

  constructor(code: string, message: string, detail?: string) {
    super(message)
    this.code = code
    this.detail = detail
  }
}

interface Piece {
  readonly message: Buffer
  readonly bytes: number
}

/** The pieces of one turn: readers that are equally far get the same bytes, which are read once. */
export class Round {
  private last: { readonly start: Position; readonly upTo: Position } | undefined
  private piece: Piece = { message: Buffer.alloc(0), bytes: 0 }
  private readonly source: LogSource
  private readonly clock: Clock

  constructor(source: LogSource, clock: Clock) {
    this.source = source
    this.clock = clock
  }

  /** A message with bytes from `start` on, none from `upTo` on; and how many there are in it. */
  take(start: Position, upTo: Position): Piece {
    const { last } = this
    if (last?.start === start && last.upTo === upTo) return this.piece
    const pieces: Buffer[] = []
    let at = start
    // A source may give no more at a time than was once written to it, which may be little.
    while (at < upTo && at - start < PIECE_BYTES_MAX) {
      const bytes = this.read(at, Math.min(PIECE_BYTES_MAX - (at - start), upTo - at))
      pieces.push(bytes)
      at += bytes.length
    }
    this.last = { start, upTo }
    return (this.piece = {
      message: logMessage(start, pieces, { end: upTo, now: this.clock.now() }),
      bytes: at - start,
    })
  }

  private read(position: Position, bytesMax: number): Buffer {
    const { epoch, bytes } = this.source.read(position, bytesMax)
    assert(bytes.length > 0 && bytes.length <= bytesMax, 'as much as was asked for was read, and something')
    assert(epoch === epochAt(this.source.history(), position), 'what is read is of the epoch that the history names')
    return bytes
  }
}

export interface StreamSurroundings {
  readonly source: LogSource
  readonly reader: string
  readonly clock: Clock
  /** Sends; false: no more until {@link FeedStream.drained}. */
  write(message: Buffer): boolean
}

export class FeedStream {
  state: 'sending' | 'ended' = 'sending'
  readonly timeline: Epoch
  /** Everything before has been sent. */
  sent: Position
  private isFull = false
  private readonly around: StreamSurroundings

  /** Throws {@link NotHere}. */
  constructor(around: StreamSurroundings, start: Position, timeline: Epoch) {
    this.around = around
    this.timeline = timeline
    this.sent = start
    const { end } = this.epoch()
    if (start > end) throw forked({ start, timeline, end })
    this.requireKept()
  }

  /** Whether the reader has asked for what is not shown here yet, and may be elsewhere. */
  get isAhead(): boolean {
    return this.state === 'sending' && this.sent > this.around.source.shown(this.around.reader)
  }

  /** What comes after, once the timeline was sent to its end. */
  get next(): { readonly timeline: Epoch; readonly start: Position } | undefined {
    const { end, next } = this.epoch()
    return this.state === 'ended' && next !== undefined ? { timeline: next, start: end } : undefined
  }

  /** Whether there is nothing to be sent at all: the timeline ends where the reader wants to begin. */
  get isEmpty(): boolean {
    const { end } = this.epoch()
    return this.sent === end && this.around.source.shown(this.around.reader) > end
  }

  /** Sends what the reader may have and the connection takes. Throws {@link NotHere}, and the source's errors. */
  pump(round: Round = new Round(this.around.source, this.around.clock)): void {
    const { source, reader } = this.around
    while (this.state === 'sending' && !this.isFull) {
      const { end } = this.epoch()
      const shown = source.shown(reader)
      const upTo = Math.min(shown, end)
      if (this.sent < upTo) {
        this.requireKept()
        const { message, bytes } = round.take(this.sent, upTo)
        this.sent += bytes
        this.isFull = !this.around.write(message)
      } else if (this.sent >= end && shown > end) {
        this.end()
      } else return
    }
  }

  drained(): void {
    this.isFull = false
    this.pump()
  }

  /** Nothing more is sent. A reader that has been sent more than the timeline has turned out to have is told where it ended. */
  end(): void {
    this.state = 'ended'
    this.around.write(copyDone())
  }

  keepalive(wantsReply: boolean): void {
    if (this.state === 'ended') return
    const { source, reader, clock, write } = this.around
    const end = epochEnd(source.history(), this.timeline)?.end ?? this.sent
    write(keepaliveMessage(Math.min(source.shown(reader), end), { now: clock.now(), wantsReply }))
  }

  /** Throws {@link NotHere} when the reader has applied what is not in the log: it never becomes a copy of it again. */
  take(status: FromReceiver & { readonly type: 'status' }): void {
    const { end } = this.epoch()
    if (status.applied > end) throw forked({ start: status.applied, timeline: this.timeline, end })
    if (status.wantsReply) this.keepalive(false)
  }

  private epoch(): { readonly end: Position; readonly next: Epoch | undefined } {
    const history = this.around.source.history()
    // Not of a reader that has diverged: it is well elsewhere.
    if (history.length === 0) throw new NotHere('57P03', 'there is no log here any more')
    const epoch = epochEnd(history, this.timeline)
    if (!epoch) throw new NotHere('XX000', `requested timeline ${this.timeline} is not in this server's history`)
    return epoch
  }

  private requireKept(): void {
    if (this.sent >= this.around.source.first()) return
    const segment = segmentName(this.timeline, BigInt(this.sent))
    throw new NotHere('58P01', `requested WAL segment ${segment} has already been removed`)
  }
}

function forked(at: { readonly start: Position; readonly timeline: Epoch; readonly end: Position }): NotHere {
  const [start, end] = [lsnText(BigInt(at.start)), lsnText(BigInt(at.end))]
  return new NotHere(
    'XX000',
    `requested starting point ${start} on timeline ${at.timeline} is not in this server's history`,
    `This server's history forked from timeline ${at.timeline} at ${end}.`,
  )
}
