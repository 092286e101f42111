/** Frames over a connection, on either side of it. What is sent in one turn of the event loop goes out as one write. */
import { InvariantError } from '#base/assert.ts'
import type { Socket } from '#host/net.ts'
import { FrameError } from '#wire/agent/frames.ts'
import { QuorumDecoder, encodeFrame } from '#wire/quorum/codec.ts'
import { FRAME_BYTES_MAX } from '#wire/quorum/limits.ts'
import type { MemberId } from '#wire/quorum/messages.ts'
import type { Frame, WireMessage } from '#wire/quorum/opening.ts'
import { UNSENT_BYTES_MAX } from './limits.ts'

export interface FramedSocketEvents {
  /** In order. Throws {@link FrameError} for what the other side must not say: that ends the connection. */
  onFrame(frame: Frame): void
  /** Once, whoever ended it; `reason`: why, where that is known. Nothing comes after it. */
  onClosed(reason: Error | undefined): void
}

export class FramedSocket {
  private readonly socket: Socket
  private readonly events: FramedSocketEvents
  private readonly decoder: QuorumDecoder
  private reason: Error | undefined
  private isCorked = false
  private isOver = false

  /** Owns the socket. `openingBytesMax`: of a frame, until {@link trust}. */
  constructor(socket: Socket, events: FramedSocketEvents, openingBytesMax: number = FRAME_BYTES_MAX) {
    this.socket = socket
    this.events = events
    this.decoder = new QuorumDecoder(openingBytesMax)
    socket.on('error', (error) => (this.reason ??= error))
    socket.on('data', (piece: Buffer) => this.receive(piece))
    // Whoever has said its last word is gone: none of what is said here has a use without an answer.
    socket.on('end', () => this.end())
    socket.on('close', () => this.over())
  }

  get isOpen(): boolean {
    return !this.isOver
  }

  /** The other side is known: its frames may have any length. */
  trust(): void {
    this.decoder.allow(FRAME_BYTES_MAX)
  }

  /** Nothing where the connection is over. `bytes` of the message must not change afterwards. */
  send(members: readonly MemberId[], message: WireMessage): void {
    this.write(encodeFrame(members, message))
  }

  /** The same, as {@link encodeFrame} gave it. */
  write(pieces: readonly Buffer[]): void {
    const { socket } = this
    if (this.isOver) return
    if (!this.isCorked) {
      this.isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.isCorked = false
        socket.uncork()
      })
    }
    for (const piece of pieces) socket.write(piece)
    if (socket.writableLength > UNSENT_BYTES_MAX) this.end(new Error('the other side does not read'))
  }

  /** Sends what is to be sent, and then hangs up. Nothing that comes from now on is read. */
  finish(): void {
    if (this.isOver) return
    this.socket.destroySoon()
    this.over()
  }

  /** Nothing of what has come and was not read yet will be. */
  end(reason?: Error): void {
    if (this.isOver) return
    this.reason ??= reason
    this.socket.destroy()
    this.over()
  }

  private receive(piece: Buffer): void {
    try {
      for (const frame of this.decoder.push(piece)) {
        if (this.isOver) return
        this.events.onFrame(frame)
      }
    } catch (error) {
      if (error instanceof InvariantError || !(error instanceof FrameError)) throw error
      this.end(error)
    }
  }

  private over(): void {
    if (this.isOver) return
    this.isOver = true
    this.events.onClosed(this.reason)
  }
}
