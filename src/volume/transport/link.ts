/** A head's connection to one log node: dialled again, for ever, whenever it is lost. */
import { InvariantError } from '#base/assert.ts'
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameError } from '#wire/agent/frames.ts'
import type { Epoch, HeadMessage, MemberId, MemberMessage } from '#wire/quorum/messages.ts'
import { QUORUM_PROTOCOL_VERSION, type Frame } from '#wire/quorum/opening.ts'
import { FramedSocket } from './framed-socket.ts'
import { DIAL_MS_MAX, LINK_LOOK_MS, REDIAL_PAUSES_MS, SILENT_LOOKS_MAX } from './limits.ts'

export interface LinkOptions {
  readonly volume: string
  readonly epoch: Epoch
  /** A connection to this log node, who is known to be it. */
  readonly dial: () => Promise<Socket>
  readonly clock: Clock
  readonly log: Log
  readonly onMessage: (member: MemberId, message: MemberMessage) => void
  /** Members of the volume that can be spoken to there are others than before. */
  readonly onPresent: () => void
}

export class Link {
  /** Members of the volume that are there, as far as the log node has said. */
  present: ReadonlySet<MemberId> = new Set()
  private readonly options: LinkOptions
  private framed: FramedSocket | undefined
  private failures = 0
  private isClosed = false
  private timer: Timer | undefined
  /** A ping is owed an answer, and since how many looks. */
  private isOwed = false
  private silentLooks = 0

  constructor(options: LinkOptions) {
    this.options = options
    void this.connect()
  }

  /** `members` are present. */
  send(members: readonly MemberId[], message: HeadMessage): void {
    if (message.type === 'ping') this.isOwed = true
    this.framed?.send(members, message)
  }

  close(): void {
    this.isClosed = true
    this.timer?.cancel()
    this.framed?.end()
  }

  private async connect(): Promise<void> {
    const { volume, epoch, dial, log } = this.options
    let socket: Socket
    try {
      socket = await dial()
    } catch (error) {
      if (error instanceof InvariantError) throw error
      log.debug({ error }, 'a log node cannot be reached')
      return this.dialAgain()
    }
    if (this.isClosed) return void socket.destroy()
    this.framed = new FramedSocket(socket, {
      onFrame: (frame) => this.take(frame),
      onClosed: (reason) => this.lost(reason),
    })
    const who = { role: 'head', epoch } as const
    this.framed.send([], { type: 'hello', protocol: QUORUM_PROTOCOL_VERSION, volume, who })
    this.isOwed = false
    this.silentLooks = 0
    this.timer = this.options.clock.after(DIAL_MS_MAX, () => this.framed?.end(new Error('no welcome')))
  }

  private take({ members, message }: Frame): void {
    this.isOwed = false
    this.silentLooks = 0
    switch (message.type) {
      case 'welcome':
        this.failures = 0
        this.watch()
        return this.see(new Set(members))
      case 'present':
        return this.see(new Set(members))
      case 'turned-away':
        return this.options.log.warn({ reason: message.reason }, 'a log node turns the head away')
      case 'sealed':
      case 'refused':
      case 'adopted':
      case 'flushed':
      case 'gap':
      case 'pong':
        for (const member of members) if (this.present.has(member)) this.options.onMessage(member, message)
        return
      default:
        throw new FrameError(`a log node said '${message.type}' to a head`)
    }
  }

  private see(present: ReadonlySet<MemberId>): void {
    this.present = present
    this.options.onPresent()
  }

  private watch(): void {
    this.timer?.cancel()
    this.timer = this.options.clock.after(LINK_LOOK_MS, () => {
      if (this.isOwed) this.silentLooks++
      if (this.silentLooks >= SILENT_LOOKS_MAX) this.framed?.end(new Error('no answer to pings'))
      else this.watch()
    })
  }

  private lost(reason: Error | undefined): void {
    this.timer?.cancel()
    this.framed = undefined
    if (this.present.size > 0) this.see(new Set())
    if (this.isClosed) return
    this.options.log.info({ reason: reason && messageOf(reason) }, 'the connection to a log node is lost')
    this.dialAgain()
  }

  private dialAgain(): void {
    if (this.isClosed) return
    const pause = REDIAL_PAUSES_MS[Math.min(this.failures++, REDIAL_PAUSES_MS.length - 1)]!
    this.timer = this.options.clock.after(pause, () => void this.connect())
  }
}
