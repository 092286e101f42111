/**
 * Brings the log of one engine into the archive as it is written. Everything that it has to remember is in the archive:
 * it may be killed at any point and started on another host, and goes on at the very next byte.
 *
 *   engine ──stream──► inbox ──portions of a segment──► archive ──confirmed──► engine, which may then recycle it
 */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { LogArchive } from '#archive/log-archive.ts'
import type { Position } from '#archive/log-chain.ts'
import type { LogPortion } from '#archive/log-keys.ts'
import { LogGone, type LogSource, type LogStream } from '#engine/log-source.ts'
import type { Clock } from '#host/clock.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import { LogScanner } from '#wire/pg/log-scanner.ts'
import { SEGMENT_BYTES, lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { LOG_AGAIN_PAUSES_MS, LOG_LOOK_MS, WAITING_LOG_BYTES_MAX } from '../limits.ts'
import { Inbox } from './inbox.ts'
import { startingPoint } from './starting-point.ts'

export interface ReceiverOptions {
  readonly open: () => Promise<LogSource>
  readonly archive: LogArchive
  readonly clock: Clock
  readonly log: Log
  readonly onStatus: (status: ObservedArchive) => void
}

export class LogReceiver {
  private readonly options: ReceiverOptions
  private readonly stopping = new AbortController()
  private readonly running: Promise<void>
  /** What comes next in the archive needs a part of the log that the engine has not got any more. */
  private anew = false
  private failures = 0
  private at: Position | undefined
  private from: Position | undefined
  private until: number | undefined
  private trouble: string | undefined

  constructor(options: ReceiverOptions) {
    this.options = options
    this.running = this.run()
  }

  /** Resolves when nothing is read or written any more. What had not been archived will be by the next receiver. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the archiver stops'))
    await this.running
  }

  private async run(): Promise<void> {
    const { clock, log } = this.options
    const { signal } = this.stopping
    while (!signal.aborted) {
      try {
        await this.session()
      } catch (error) {
        if (signal.aborted) return
        this.anew = error instanceof LogGone
        if (this.failures === 0) log.info({ error }, `the log is not archived: ${messageOf(error)}`)
        this.trouble = messageOf(error)
        this.tell()
      }
      const pause = LOG_AGAIN_PAUSES_MS[Math.min(this.failures++, LOG_AGAIN_PAUSES_MS.length - 1)]!
      await clock.sleep(pause, signal).catch(() => {})
    }
  }

  private async session(): Promise<void> {
    const { archive, open } = this.options
    const source = await open()
    try {
      const index = await archive.index()
      await source.keep()
      const start = await startingPoint(source, index, this.anew)
      if (start.history !== undefined) await this.putHistory(source, start.history)
      this.at = start.at
      this.from = start.from
      this.tell()
      const scanner = new LogScanner(segmentStart(start.at.lsn))
      const { timeline, lsn } = start.at
      const isOfSegment = (one: LogPortion): boolean => one.timeline === timeline && one.start >= segmentStart(lsn)
      // What lies beyond a gap is not joined with what comes now.
      const inSegment = start.from.lsn === lsn ? [] : index.portions.filter(isOfSegment)
      for (let segment: LogPortion[] = inSegment; ; segment = []) {
        const next = await new TimelineReading(this.options, { source, scanner, segment }, this.stopping.signal).read(
          this.at,
          (at, until) => this.advanced(at, until),
        )
        await this.putHistory(source, next.timeline)
        this.at = next
      }
    } finally {
      await source.close()
    }
  }

  private async putHistory(source: LogSource, timeline: number): Promise<void> {
    await this.options.archive.putHistory(timeline, await source.history(timeline))
  }

  private advanced(at: Position, until: number | undefined): void {
    this.at = at
    this.failures = 0
    this.anew = false
    this.trouble = undefined
    if (until !== undefined) this.until = Math.max(until, this.until ?? 0)
    this.tell()
  }

  private tell(): void {
    if (!this.at || !this.from) return
    const { at, until, trouble } = this
    this.options.onStatus({ timeline: at.timeline, from: lsnText(this.from.lsn), to: lsnText(at.lsn), until, trouble })
  }
}

interface Reading {
  readonly source: LogSource
  /** At the start of the segment that is read first, or where the last timeline ended. */
  readonly scanner: LogScanner
  /** What the archive has of the segment that is being filled. */
  readonly segment: LogPortion[]
}

type Advanced = (at: Position, until: number | undefined) => void

/** One timeline, from a position to its end. */
class TimelineReading {
  private readonly options: ReceiverOptions
  private readonly reading: Reading
  private readonly signal: AbortSignal
  private segment: LogPortion[]
  /** What was acknowledged before that time of ours lies before that position: once the one is archived, so is the other. */
  private looked: { readonly lsn: bigint; readonly now: number } | undefined

  constructor(options: ReceiverOptions, reading: Reading, signal: AbortSignal) {
    this.options = options
    this.reading = reading
    this.segment = reading.segment
    this.signal = signal
  }

  /** Gives the next timeline and where it begins. */
  async read(start: Position, advanced: Advanced): Promise<Position> {
    const { clock } = this.options
    const inbox = new Inbox(clock)
    let stream: LogStream | undefined
    const onData = (bytes: Buffer): void => {
      inbox.push(bytes)
      if (inbox.size > WAITING_LOG_BYTES_MAX) stream?.pause()
    }
    const abort = (): void => inbox.fail(this.signal.reason as Error)
    this.signal.addEventListener('abort', abort)
    const looking = new AbortController()
    try {
      this.signal.throwIfAborted()
      const from = { timeline: start.timeline, lsn: this.reading.scanner.position }
      stream = await this.reading.source.stream(from, onData)
      stream.ended.then(
        () => inbox.end(),
        (error: Error) => inbox.fail(error),
      )
      const progress = { at: start, advanced, stream }
      void this.look(progress, looking.signal).catch((error: Error) => inbox.fail(error))
      while (await inbox.filled(SEGMENT_BYTES)) {
        await this.archive(inbox, progress)
        if (inbox.size < WAITING_LOG_BYTES_MAX / 2) stream.resume()
      }
      return await stream.ended
    } finally {
      this.signal.removeEventListener('abort', abort)
      looking.abort(new Error('the timeline was read'))
      stream?.close()
    }
  }

  private async archive(inbox: Inbox, progress: Progress): Promise<void> {
    const { scanner } = this.reading
    const { position } = scanner
    const segmentEnd = segmentStart(position) + BigInt(SEGMENT_BYTES)
    // What is archived already was asked for again only to know where its records begin.
    const known = progress.at.lsn > position ? progress.at.lsn : segmentEnd
    const bytes = inbox.take(Number(known - position))
    scanner.feed(bytes)
    const newestUs = scanner.takeNewest()
    if (progress.at.lsn > position) return
    const portion = { timeline: progress.at.timeline, start: position, end: scanner.position, newestUs }
    await this.options.archive.put(portion, bytes)
    this.segment.push(portion)
    if (portion.end === segmentEnd) {
      await this.options.archive.join(this.segment)
      this.segment = []
    }
    progress.at = { timeline: portion.timeline, lsn: portion.end }
    progress.stream.confirm(portion.end)
    progress.advanced(progress.at, later(this.takeUntil(portion.end), this.timeOf(newestUs)))
  }

  /** Asks again and again how far the log goes, which also tells the engine that we are there. */
  private async look(progress: Progress, signal: AbortSignal): Promise<void> {
    const { clock } = this.options
    while (!signal.aborted) {
      const now = clock.now()
      const position = await this.reading.source.identify()
      if (signal.aborted) return
      // Behind a failover, what the new timeline has was acknowledged too.
      if (position.timeline === progress.at.timeline && position.behindMs !== undefined)
        this.looked ??= { lsn: position.lsn, now: now - position.behindMs }
      progress.stream.confirm(progress.at.lsn)
      const until = this.takeUntil(progress.at.lsn)
      if (until !== undefined) progress.advanced(progress.at, until)
      await clock.sleep(LOG_LOOK_MS, signal).catch(() => {})
    }
  }

  /** A commit has its time before it has its place: whatever was acknowledged before that time lies before it. */
  private timeOf(newestUs: number): number | undefined {
    return newestUs === 0 ? undefined : Math.min(Math.floor(newestUs / 1_000), this.options.clock.now())
  }

  private takeUntil(archivedTo: bigint): number | undefined {
    if (!this.looked || this.looked.lsn > archivedTo) return undefined
    const { now } = this.looked
    this.looked = undefined
    return now
  }
}

const later = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)

interface Progress {
  at: Position
  readonly advanced: Advanced
  readonly stream: LogStream
}
