/** What one member asks another, over a connection of its own, which ends when nothing is asked for a while. */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { FrameError } from '#wire/agent/frames.ts'
import type { MemberId, Piece, Read } from '#wire/quorum/messages.ts'
import { QUORUM_PROTOCOL_VERSION, type Frame } from '#wire/quorum/opening.ts'
import { FramedSocket } from './framed-socket.ts'
import { ANSWER_MS_MAX, PEER_IDLE_MS } from './limits.ts'

export interface PeerLinkOptions {
  readonly volume: string
  readonly asker: MemberId
  readonly asked: MemberId
  /** A connection to the log node of the one that is asked, who is known to be it. */
  readonly dial: () => Promise<Socket>
  readonly clock: Clock
  readonly log: Log
  /** One for every question, in order; undefined: there will be no answer. */
  readonly onAnswer: (piece: Piece | undefined) => void
  /** It is used up. Whatever is owed is answered after this. */
  readonly onClosed: () => void
}

export class PeerLink {
  private readonly options: PeerLinkOptions
  private framed: FramedSocket | undefined
  private isWelcome = false
  private isOver = false
  private readonly unsent: Read[] = []
  private owed = 0
  private timer: Timer | undefined

  constructor(options: PeerLinkOptions) {
    this.options = options
    this.watch()
    void this.connect()
  }

  ask(question: Read): void {
    this.owed++
    if (this.isWelcome) this.framed?.send([this.options.asked], question)
    else this.unsent.push(question)
    this.watch()
  }

  close(): void {
    this.over()
  }

  private async connect(): Promise<void> {
    const { volume, asker, dial, log } = this.options
    try {
      const socket = await dial()
      if (this.isOver) return void socket.destroy()
      this.framed = new FramedSocket(socket, {
        onFrame: (frame) => this.take(frame),
        onClosed: () => this.over(),
      })
      const who = { role: 'peer', member: asker } as const
      this.framed.send([], { type: 'hello', protocol: QUORUM_PROTOCOL_VERSION, volume, who })
    } catch (error) {
      if (error instanceof InvariantError) throw error
      log.info({ error, asked: this.options.asked }, 'a peer cannot be reached')
      this.over()
    }
  }

  private take({ message }: Frame): void {
    switch (message.type) {
      case 'welcome':
        this.isWelcome = true
        for (const question of this.unsent.splice(0)) this.framed?.send([this.options.asked], question)
        return
      case 'piece':
        if (this.owed === 0) throw new FrameError('a peer answered what was not asked')
        this.owed--
        this.watch()
        return this.options.onAnswer(message)
      case 'turned-away':
        this.options.log.warn({ asked: this.options.asked, reason: message.reason }, 'a peer turns this member away')
        return
      default:
        throw new FrameError(`a peer said '${message.type}'`)
    }
  }

  private watch(): void {
    this.timer?.cancel()
    if (this.isOver) return
    this.timer = this.options.clock.after(this.owed > 0 ? ANSWER_MS_MAX : PEER_IDLE_MS, () => this.over())
  }

  private over(): void {
    if (this.isOver) return
    this.isOver = true
    this.timer?.cancel()
    this.framed?.end()
    // First, so that what is asked on hearing that there is no answer gets a connection of its own.
    this.options.onClosed()
    for (; this.owed > 0; this.owed--) this.options.onAnswer(undefined)
  }
}
