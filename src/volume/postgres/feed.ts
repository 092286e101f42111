/**
 * The feed: gives logs of volumes to unmodified PostgreSQL, as a server that knows physical replication and nothing else. A
 * reader names its volume as the user, and itself as the application; it sees what the member that is here may show it.
 */
// docs/protocol/quorum-log.md, The feed.
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import type { Random } from '#host/random.ts'
import type { TlsIdentity } from '#host/tls.ts'
import { errorResponse } from '#wire/pg/backend-messages.ts'
import type { Epoch, Position } from '#wire/quorum/messages.ts'
import { FeedSession } from './feed-session.ts'
import { Round } from './feed-stream.ts'
import { LOOK_MS, SENT_ON_MS, SESSIONS_MAX } from './limits.ts'
import type { LogSource } from './log-source.ts'

export interface Admission {
  /** Of the password, as `trust` makes it. */
  readonly verifier: string
  /** The same object as long as it is the same member. */
  readonly source: LogSource
  /** Of an archiver: whether a head was heard a moment ago. */
  readonly isLed?: () => boolean
}

export interface FeedOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Whose log a user reads. `later`: this reader may not just now, and is to look elsewhere; undefined: there is none. */
  admit(user: string, reader: string): Admission | 'later' | undefined
  /** What readers are shown, now. Absent: TLS is not spoken; else nobody is let in without. */
  readonly tls?: () => TlsIdentity
}

/** What connections need of their feed. */
export interface FeedSurroundings extends FeedOptions {
  /** So that users who are not there look like others. */
  readonly secret: Buffer
  /** Whether a reader was sent on a moment ago, and is not to stay. */
  wasSentOn(user: string, reader: string): boolean
}

/** What a reader says of itself, and what is known of it. */
export interface ReaderStatus {
  readonly user: string
  readonly reader: string
  /** Undefined: it does not stream now. */
  readonly timeline: Epoch | undefined
  readonly sent: Position | undefined
  /** 0: it has not said yet. */
  readonly written: Position
  readonly flushed: Position
  readonly applied: Position
  /** The oldest transaction whose rows its queries need, 0: none. With the epoch of the number. */
  readonly xmin: bigint
  readonly catalogXmin: bigint
  /** When it last said something, in monotonic time. */
  readonly heardMs: number
}

/** Readers of one member. */
interface Audience {
  readonly sessions: Set<FeedSession>
  readonly unwatch: () => void
}

export class Feed {
  private readonly options: FeedOptions
  private readonly sessions = new Set<FeedSession>()
  private readonly audiences = new Map<LogSource, Audience>()
  private readonly sentOn = new Map<string, number>()
  private readonly secret: Buffer
  private looking: Timer | undefined

  constructor(options: FeedOptions) {
    this.options = options
    this.secret = options.random.bytes(32)
  }

  /** Takes a connection, and ends it. */
  accept(connection: Socket): void {
    if (this.sessions.size >= SESSIONS_MAX) {
      connection.on('error', () => {})
      connection.end(errorResponse({ severity: 'FATAL', code: '53300', message: 'too many readers' }))
      return connection.destroySoon()
    }
    connection.setNoDelay(true)
    const session = new FeedSession(connection, {
      ...this.options,
      secret: this.secret,
      wasSentOn: (user, reader) => this.wasSentOn(user, reader),
      sendOn: (user, reader) => void this.sentOn.set(nameOf(user, reader), this.options.clock.monotonic() + SENT_ON_MS),
      entered: (entered) => this.enter(entered),
      left: (left) => this.leave(left),
    })
    this.sessions.add(session)
    this.looking ??= this.options.clock.after(LOOK_MS, () => this.look())
    void session.run()
  }

  /** Those that are in now. */
  readers(): readonly ReaderStatus[] {
    return [...this.sessions].map((session) => session.status()).filter((status) => status !== undefined)
  }

  /** Ends the connections of those that read this and may not any more, so that they look elsewhere. */
  dismiss(source: LogSource): void {
    for (const session of this.audiences.get(source)?.sessions ?? []) {
      const { user, reader } = session.guest!
      const present = this.options.admit(user, reader)
      if (present === 'later' || present?.source !== source) session.end()
    }
  }

  /** Ends all connections. Nothing is to be accepted any more. */
  close(): void {
    for (const session of this.sessions) session.end()
  }

  private enter(session: FeedSession): void {
    const { user, reader, admission } = session.guest!
    const { source } = admission
    const present = this.options.admit(user, reader)
    // It was dismissed while the reader proved who it is.
    if (present === 'later' || present?.source !== source) return session.end()
    let audience = this.audiences.get(source)
    if (!audience) {
      const sessions = new Set<FeedSession>()
      const unwatch = source.watch(onceATurn(() => tell(sessions, new Round(source, this.options.clock))))
      audience = { sessions, unwatch }
      this.audiences.set(source, audience)
    }
    audience.sessions.add(session)
  }

  private leave(session: FeedSession): void {
    this.sessions.delete(session)
    const source = session.guest?.admission.source
    const audience = source && this.audiences.get(source)
    audience?.sessions.delete(session)
    if (!audience || audience.sessions.size > 0) return
    audience.unwatch()
    this.audiences.delete(source)
  }

  private wasSentOn(user: string, reader: string): boolean {
    return (this.sentOn.get(nameOf(user, reader)) ?? -Infinity) > this.options.clock.monotonic()
  }

  private look(): void {
    const nowMs = this.options.clock.monotonic()
    for (const session of this.sessions) session.look(nowMs)
    for (const [name, untilMs] of this.sentOn) if (untilMs <= nowMs) this.sentOn.delete(name)
    this.looking =
      this.sessions.size + this.sentOn.size > 0 ? this.options.clock.after(LOOK_MS, () => this.look()) : undefined
  }
}

const nameOf = (user: string, reader: string): string => `${user}\0${reader}`

function tell(sessions: ReadonlySet<FeedSession>, round: Round): void {
  for (const session of sessions) session.changed(round)
}

/** All that happens in one turn is sent at once, at its end: no timer is in the way of a commit. */
function onceATurn(work: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      work()
    })
  }
}
