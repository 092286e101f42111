/** One connection to a log node: who is there, and what that one may say. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameError } from '#wire/agent/frames.ts'
import { headName, isLogNodeName } from '#wire/quorum/identity.ts'
import { OPENING_BYTES_MAX } from '#wire/quorum/limits.ts'
import type { HeadMessage, MemberId, MemberMessage, PeerMessage, Read } from '#wire/quorum/messages.ts'
import { QUORUM_PROTOCOL_VERSION, type Caller, type Frame, type Hello } from '#wire/quorum/opening.ts'
import type { SessionId } from '../ports.ts'
import { FramedSocket } from './framed-socket.ts'
import { OPENING_MS_MAX } from './limits.ts'

/** What a session needs of the log node that it is to. */
export interface SessionHost {
  readonly clock: Clock
  readonly log: Log
  /** Members of the volume that are here. */
  present(volume: string): readonly MemberId[]
  /** Whom the message is to may have gone meanwhile: false. */
  deliver(session: Session, member: MemberId, message: HeadMessage | Read): boolean
  closed(session: Session): void
}

export class Session {
  readonly id: SessionId
  /** Of the volume that it is about; undefined before the opening. */
  volume: string | undefined
  private caller: Caller | undefined
  private readonly names: ReadonlySet<string>
  private readonly host: SessionHost
  private readonly framed: FramedSocket
  private readonly opening: Timer

  /** Owns the socket. `names`: of the caller, by its certificate. */
  constructor(id: SessionId, socket: Socket, names: ReadonlySet<string>, host: SessionHost) {
    this.id = id
    this.names = names
    this.host = host
    this.framed = new FramedSocket(
      socket,
      {
        onFrame: (frame) => (this.caller ? this.take(frame, this.caller) : this.open(frame)),
        onClosed: (reason) => this.over(reason),
      },
      OPENING_BYTES_MAX,
    )
    this.opening = host.clock.after(OPENING_MS_MAX, () => this.end(new Error('said nothing')))
  }

  send(member: MemberId, message: MemberMessage | PeerMessage): void {
    this.framed.send([member], message)
  }

  /** A head is told which members are here, once it has been let in. */
  sendPresent(): void {
    if (this.volume !== undefined && this.caller?.role === 'head')
      this.framed.send(this.host.present(this.volume), { type: 'present' })
  }

  end(reason?: Error): void {
    this.framed.end(reason)
  }

  private open({ message }: Frame): void {
    this.opening.cancel()
    if (message.type !== 'hello') throw new FrameError(`a caller began with '${message.type}'`)
    const reason = this.objection(message)
    if (reason !== undefined) {
      this.host.log.warn({ volume: message.volume, who: message.who, reason }, 'turned a caller away')
      this.framed.send([], { type: 'turned-away', reason })
      return this.framed.finish()
    }
    this.volume = message.volume
    this.caller = message.who
    this.framed.trust()
    this.framed.send(this.host.present(message.volume), { type: 'welcome' })
  }

  private objection({ protocol, volume, who }: Hello): string | undefined {
    if (protocol !== QUORUM_PROTOCOL_VERSION) return `this log node speaks version ${QUORUM_PROTOCOL_VERSION}`
    const may = who.role === 'head' ? this.names.has(headName(volume)) : [...this.names].some(isLogNodeName)
    return may ? undefined : 'the certificate is not for this'
  }

  private take({ members, message }: Frame, caller: Caller): void {
    switch (message.type) {
      case 'seal':
      case 'adopt':
      case 'append':
      case 'durable':
      case 'release':
      case 'repair':
      case 'ping':
        if (caller.role !== 'head') throw new FrameError(`a peer said '${message.type}'`)
        if (message.epoch !== caller.epoch) throw new FrameError('a head spoke for another epoch')
        for (const member of members) if (this.framed.isOpen) this.host.deliver(this, member, message)
        return
      case 'read':
        if (caller.role !== 'peer') throw new FrameError(`a head said '${message.type}'`)
        // Whoever asks is not to wait for an answer that never comes.
        if (members.length !== 1 || !this.host.deliver(this, members[0]!, message))
          this.end(new Error('a member that is not here was asked'))
        return
      default:
        throw new FrameError(`a caller said '${message.type}'`)
    }
  }

  private over(reason: Error | undefined): void {
    this.opening.cancel()
    this.host.log.debug({ volume: this.volume, who: this.caller, reason: reason && messageOf(reason) }, 'a caller left')
    this.host.closed(this)
  }
}
