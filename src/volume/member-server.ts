/** The connections of one log node: heads and peers that come, and peers that its members ask. Knows no disk. */
import { assert } from '#base/assert.ts'
import { Trouble } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import type { HeadMessage, MemberId, MemberMessage, PeerMessage, Piece, Read } from '#wire/quorum/messages.ts'
import type { LogNodeAddress } from './head-links.ts'
import type { SessionId } from './ports.ts'
import { SESSIONS_MAX } from './transport/limits.ts'
import { PeerLink } from './transport/peer-link.ts'
import { Session } from './transport/session.ts'

/** A member as its connections see it. */
export interface HostedMember {
  /** What a head or a peer says, in order. Answers go by {@link MemberServer.send}. */
  receive(session: SessionId, message: HeadMessage | Read): void
  /** Nothing more comes of this session. */
  closed(session: SessionId): void
}

export interface MemberServerOptions {
  /** A connection to this log node, who is known to be it. Rejects when that cannot be had. */
  readonly dial: (node: LogNodeAddress) => Promise<Socket>
  /** A head has spoken to a member of the volume. Often. */
  readonly onHeard?: (volume: string) => void
  readonly clock: Clock
  readonly log: Log
}

export class MemberServer {
  private readonly options: MemberServerOptions
  private readonly volumes = new Map<string, Map<MemberId, HostedMember>>()
  private readonly places = new Map<string, ReadonlyMap<MemberId, LogNodeAddress>>()
  private readonly sessions = new Map<SessionId, Session>()
  private readonly peers = new Map<string, PeerLink>()
  private lastSession: SessionId = 0
  private isEnded = false

  constructor(options: MemberServerOptions) {
    this.options = options
  }

  /** Somebody dialled. `names`: who that is, by its certificate. Owns the socket. */
  accept(socket: Socket, names: ReadonlySet<string>): void {
    if (this.isEnded) return void socket.destroy()
    if (this.sessions.size >= SESSIONS_MAX) {
      this.options.log.warn({ sessions: this.sessions.size }, 'turned a caller away: there are too many')
      return void socket.destroy()
    }
    const session = new Session(++this.lastSession, socket, names, {
      clock: this.options.clock,
      log: this.options.log,
      present: (volume) => this.present(volume),
      deliver: (from, member, message) => this.deliver(from, member, message),
      closed: (over) => this.closed(over),
    })
    this.sessions.set(session.id, session)
  }

  /** From now on it can be spoken to. */
  add(volume: string, member: MemberId, hosted: HostedMember): void {
    const members = this.volumes.get(volume) ?? new Map<MemberId, HostedMember>()
    assert(!members.has(member), `member ${member} is here once`)
    this.volumes.set(volume, members.set(member, hosted))
    this.tell(volume)
  }

  /** Nobody can speak to it any more, and it asks nobody. */
  drop(volume: string, member: MemberId): void {
    const members = this.volumes.get(volume)
    if (!members?.delete(member)) return
    if (members.size === 0) this.volumes.delete(volume)
    for (const [key, link] of this.peers) if (key.startsWith(`${volume} ${member} `)) link.close()
    this.tell(volume)
  }

  /** Where the members of a volume are, those that are here included: they may ask each other. */
  place(volume: string, places: ReadonlyMap<MemberId, LogNodeAddress>): void {
    this.places.set(volume, places)
  }

  /** All members of the volume, as far as somebody has said where they are. */
  membersOf(volume: string): readonly MemberId[] {
    return [...(this.places.get(volume)?.keys() ?? [])]
  }

  forget(volume: string): void {
    this.places.delete(volume)
  }

  /** Nothing where the session is over. */
  send(session: SessionId, member: MemberId, message: MemberMessage | PeerMessage): void {
    this.sessions.get(session)?.send(member, message)
  }

  /** Nothing more is read from it, not even what has come already. */
  close(session: SessionId): void {
    this.sessions.get(session)?.end()
  }

  /** One member asks another. `onAnswer` comes later, once; undefined: there will be no answer. */
  ask(by: { volume: string; asker: MemberId; asked: MemberId }, question: Read, onAnswer: Answer): void {
    const key = `${by.volume} ${by.asker} ${by.asked}`
    const waiting = this.answers.get(key) ?? []
    this.answers.set(key, waiting)
    waiting.push(onAnswer)
    const link = this.peers.get(key) ?? this.openPeer(key, by)
    link.ask(question)
  }

  /** Hangs up on everybody, for good. */
  end(): void {
    this.isEnded = true
    for (const link of [...this.peers.values()]) link.close()
    for (const session of [...this.sessions.values()]) session.end()
  }

  private readonly answers = new Map<string, Answer[]>()

  private openPeer(key: string, by: { volume: string; asker: MemberId; asked: MemberId }): PeerLink {
    const link = new PeerLink({
      ...by,
      dial: async () => {
        const address = this.places.get(by.volume)?.get(by.asked)
        if (!address) throw new Trouble(`nobody has said where ${by.asked} is`, { culprit: 'us', retryable: true })
        return this.options.dial(address)
      },
      clock: this.options.clock,
      log: this.options.log,
      onAnswer: (piece) => this.answers.get(key)?.shift()?.(piece),
      onClosed: () => this.peers.delete(key),
    })
    this.peers.set(key, link)
    return link
  }

  private present(volume: string): readonly MemberId[] {
    return [...(this.volumes.get(volume)?.keys() ?? [])]
  }

  private deliver(from: Session, member: MemberId, message: HeadMessage | Read): boolean {
    const hosted = this.volumes.get(from.volume!)?.get(member)
    if (hosted && message.type !== 'read') this.options.onHeard?.(from.volume!)
    hosted?.receive(from.id, message)
    return hosted !== undefined
  }

  private tell(volume: string): void {
    for (const session of this.sessions.values()) if (session.volume === volume) session.sendPresent()
  }

  private closed(session: Session): void {
    this.sessions.delete(session.id)
    if (session.volume === undefined) return
    for (const hosted of this.volumes.get(session.volume)?.values() ?? []) hosted.closed(session.id)
  }
}

type Answer = (piece: Piece | undefined) => void
