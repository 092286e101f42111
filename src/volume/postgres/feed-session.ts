/**
 * One reader's connection.
 *
 *   greeting ──► commands ⇄ streaming ──► over
 */
import { messageOf } from '#base/trouble.ts'
import type { Socket } from '#host/net.ts'
import { nextTurn } from '#host/turn.ts'
import {
  commandComplete,
  copyBothResponse,
  emptyQueryResponse,
  errorResponse,
  oneRow,
  readyForQuery,
} from '#wire/pg/backend-messages.ts'
import type { FrontendMessage } from '#wire/pg/frontend-messages.ts'
import { historyName, lsnText } from '#wire/pg/lsn.ts'
import { LED } from '#wire/quorum/archiver.ts'
import { parseReplicationCommand, type ReplicationCommand } from '#wire/pg/replication-commands.ts'
import { parseFromReceiver } from '#wire/pg/replication-messages.ts'
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { greet, type Guest } from './feed-greeting.ts'
import { Incoming } from './feed-incoming.ts'
import { FeedStream, NotHere, type Round } from './feed-stream.ts'
import { historyFile, shownHistory } from './feed-timelines.ts'
import type { FeedSurroundings, ReaderStatus } from './feed.ts'
import { AHEAD_MS_MAX, OPENING_MS_MAX, SILENCE_ASKED_MS, SILENCE_MS_MAX, UNSENT_BYTES_MAX } from './limits.ts'

/** What a walreceiver, or pg_receivewal, wants to know. */
const SHOWN: Readonly<Record<string, string>> = { wal_segment_size: '16MB', data_directory_mode: '0700' }

export interface SessionSurroundings extends FeedSurroundings {
  /** The reader is in, and is to be told of what changes. */
  entered(session: FeedSession): void
  left(session: FeedSession): void
  /** It is to try somewhere else first when it comes again. */
  sendOn(user: string, reader: string): void
}

type Told = Pick<ReaderStatus, 'written' | 'flushed' | 'applied' | 'xmin' | 'catalogXmin'>

export class FeedSession {
  guest: Guest | undefined
  private readonly around: SessionSurroundings
  private readonly incoming: Incoming
  private stream: FeedStream | undefined
  private told: Told = { written: 0, flushed: 0, applied: 0, xmin: 0n, catalogXmin: 0n }
  private readonly sinceMs: number
  /** When it last said something, in monotonic time. */
  private heardMs: number
  private isAsked = false
  private aheadMs: number | undefined
  /** It has asked who is here, and was told a timeline that is behind its own if it goes without another word. */
  private hasIdentified = false
  private isOver = false

  constructor(connection: Socket, around: SessionSurroundings) {
    this.around = around
    this.incoming = new Incoming(connection)
    this.sinceMs = this.heardMs = around.clock.monotonic()
  }

  /** Resolves when the connection is over. */
  async run(): Promise<void> {
    try {
      this.guest = await greet(this.incoming, this.around)
      if (!this.guest) return
      this.around.entered(this)
      // A reader that takes whatever it is sent at once would otherwise keep everybody else from being served.
      this.incoming.socket.on('drain', () => nextTurn(() => this.attempt((stream) => stream.drained())))
      await this.converse(this.guest)
    } catch (error) {
      this.fail(error)
    } finally {
      this.end()
    }
  }

  /** Says the last words that were written, and ends. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.hasIdentified && this.guest && !this.guest.admission.isLed)
      this.around.sendOn(this.guest.user, this.guest.reader)
    // What the reader still says is of no interest, and must not keep its end from being seen.
    this.incoming.socket.resume()
    this.incoming.socket.destroySoon()
    this.around.left(this)
  }

  /** There may be more to send. */
  changed(round: Round): void {
    this.attempt((stream) => stream.pump(round))
  }

  /** Looks whether the reader is still there, and better off elsewhere. */
  look(nowMs: number): void {
    if (!this.guest) return nowMs - this.sinceMs > OPENING_MS_MAX ? this.abort() : undefined
    // Between two timelines it says nothing until it has applied all of the first.
    if (!this.stream) return
    if (nowMs - this.heardMs > SILENCE_MS_MAX) return this.abort()
    if (nowMs - this.heardMs > SILENCE_ASKED_MS && !this.isAsked) {
      this.isAsked = true
      this.stream.keepalive(true)
    }
    if (!this.stream.isAhead) this.aheadMs = undefined
    else if (nowMs - (this.aheadMs ??= nowMs) > AHEAD_MS_MAX) {
      this.around.sendOn(this.guest.user, this.guest.reader)
      this.fail(new NotHere('57P03', 'the log is not as far here as the reader'))
      this.end()
    }
  }

  /** Undefined until it is in. */
  status(): ReaderStatus | undefined {
    const { guest, stream } = this
    if (!guest) return undefined
    const timeline = stream?.timeline
    return { user: guest.user, reader: guest.reader, timeline, sent: stream?.sent, ...this.told, heardMs: this.heardMs }
  }

  private async converse(guest: Guest): Promise<void> {
    for (;;) {
      const message = await this.incoming.message()
      if (!message || message.type === 'X') return
      this.heardMs = this.around.clock.monotonic()
      this.isAsked = false
      if (this.stream) this.listen(this.stream, message)
      else if (message.type === 'Q') this.obey(guest, parseReplicationCommand(queryOf(message)))
      // A stream may be over for us before the reader has heard of it.
      else if (!'dcf'.includes(message.type))
        throw new SyntaxError(`a message '${message.type}' where a command was expected`)
    }
  }

  private listen(stream: FeedStream, { type, body }: FrontendMessage): void {
    if (type === 'c' || type === 'f') return this.finish(stream)
    if (type !== 'd') throw new SyntaxError(`a message '${type}' in a stream`)
    const said = parseFromReceiver(body)
    if (said.type === 'feedback') this.told = { ...this.told, xmin: said.xmin, catalogXmin: said.catalogXmin }
    else {
      const { written, flushed, applied } = said
      this.told = { ...this.told, written, flushed, applied }
      stream.take(said)
    }
  }

  /** Both have said that nothing more is copied: what comes after is told, and commands are taken again. */
  private finish(stream: FeedStream): void {
    if (stream.state === 'sending') stream.end()
    else this.write(nextTimeline(stream.next))
    this.stream = undefined
    this.write(Buffer.concat([STREAMED, readyForQuery()]))
  }

  private obey(guest: Guest, command: ReplicationCommand): void {
    try {
      this.hasIdentified = command.type === 'identify-system'
      this.write(this.answer(guest, command))
    } catch (error) {
      if (!(error instanceof NotHere)) throw error
      this.stream = undefined
      this.write(Buffer.concat([errorOf(error, 'ERROR'), readyForQuery()]))
    }
    this.attempt((stream) => {
      stream.keepalive(false)
      stream.pump()
    })
  }

  private answer({ reader, admission: { source, isLed } }: Guest, command: ReplicationCommand): Buffer {
    const shown = source.shown(reader)
    const history = shownHistory(source.history(), shown)
    switch (command.type) {
      case 'identify-system':
        return result('IDENTIFY_SYSTEM', [
          ['systemid', 'text', source.systemId],
          ['timeline', 'int8', String(history.at(-1)?.epoch)],
          ['xlogpos', 'text', lsnText(BigInt(shown))],
          ['dbname', 'text', isLed?.() ? LED : null],
        ])
      case 'timeline-history': {
        const { name, text } = historyOf(history, command.timeline)
        return result('TIMELINE_HISTORY', [
          ['filename', 'text', name],
          ['content', 'text', text],
        ])
      }
      case 'show': {
        const value = SHOWN[command.name]
        if (value === undefined) throw new NotHere('42704', `unrecognized configuration parameter "${command.name}"`)
        return result('SHOW', [[command.name, 'text', value]])
      }
      case 'start-replication':
        return this.start(command.start, command.timeline ?? history.at(-1)!.epoch)
      case 'empty':
        return Buffer.concat([emptyQueryResponse(), readyForQuery()])
      case 'other':
        throw new NotHere('0A000', 'nothing but the log is here, and no slots')
    }
  }

  private start(position: Position, timeline: Epoch): Buffer {
    const { reader, admission } = this.guest!
    const { clock } = this.around
    const write = (message: Buffer): boolean => this.write(message)
    const stream = new FeedStream({ source: admission.source, reader, clock, write }, position, timeline)
    if (!stream.isEmpty) {
      this.stream = stream
      return copyBothResponse()
    }
    stream.state = 'ended'
    return Buffer.concat([nextTimeline(stream.next), STREAMED, readyForQuery()])
  }

  private attempt(work: (stream: FeedStream) => void): void {
    if (!this.stream || this.isOver) return
    try {
      work(this.stream)
    } catch (error) {
      this.fail(error)
      this.end()
    }
  }

  private write(message: Buffer): boolean {
    const { socket } = this.incoming
    if (this.isOver) return false
    const goesOn = socket.write(message)
    if (socket.writableLength > UNSENT_BYTES_MAX) this.abort()
    return goesOn
  }

  /** Tells the reader why this is the end. */
  private fail(error: unknown): void {
    const { log } = this.around
    const whose = { user: this.guest?.user, reader: this.guest?.reader }
    if (error instanceof NotHere) {
      log.info({ ...whose, problem: messageOf(error) }, 'a reader cannot have what it asked for')
      this.write(errorOf(error, 'FATAL'))
    } else if (error instanceof SyntaxError || error instanceof RangeError) {
      log.debug({ ...whose, error }, 'a reader does not keep to the protocol')
      this.write(errorResponse({ severity: 'FATAL', code: '08P01', message: 'protocol violation' }))
    } else {
      log.warn({ ...whose, error }, 'a reader cannot be fed')
      this.write(errorResponse({ severity: 'FATAL', code: 'XX001', message: 'the log cannot be read here' }))
    }
  }

  /** Ends without a word: nobody listens. */
  private abort(): void {
    this.incoming.socket.destroy()
    this.end()
  }
}

const queryOf = ({ body }: FrontendMessage): string => body.toString('utf8', 0, Math.max(body.length - 1, 0))

const result = (tag: string, row: Parameters<typeof oneRow>[0]): Buffer =>
  Buffer.concat([oneRow(row), commandComplete(tag), readyForQuery()])

/** The second one is what a walreceiver waits for behind the row of the next timeline. */
const STREAMED = Buffer.concat([commandComplete('START_STREAMING'), commandComplete('START_REPLICATION')])

const nextTimeline = (next: FeedStream['next']): Buffer =>
  next === undefined
    ? Buffer.alloc(0)
    : oneRow([
        ['next_tli', 'int8', String(next.timeline)],
        ['next_tli_startpos', 'text', lsnText(BigInt(next.start))],
      ])

function historyOf(history: History, timeline: Epoch): { name: string; text: string } {
  const file = historyFile(history, timeline)
  if (!file)
    throw new NotHere('58P01', `could not open file "pg_wal/${historyName(timeline)}": No such file or directory`)
  return file
}

const errorOf = ({ code, message, detail }: NotHere, severity: 'ERROR' | 'FATAL'): Buffer =>
  errorResponse({ severity, code, message, ...(detail !== undefined && { detail }) })
