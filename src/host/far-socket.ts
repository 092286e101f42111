/** A connection over which everything takes longer, as to a place that is far away: for regions that are one machine. */
import { Duplex } from 'node:stream'
import type { Clock, Timer } from './clock.ts'
import { FAR_BYTES_MAX } from './limits.ts'
import type { Socket } from './net.ts'

interface Parcel {
  readonly dueAt: number
  readonly bytes: number
  readonly arrive: () => void
}

/** One direction: what is sent arrives in order, each no sooner than it is due. */
class Way {
  private readonly clock: Clock
  private readonly delayMs: number
  private readonly waiting: Parcel[] = []
  private timer: Timer | undefined
  bytes = 0

  constructor(clock: Clock, delayMs: number) {
    this.clock = clock
    this.delayMs = delayMs
  }

  send(bytes: number, arrive: () => void): void {
    this.waiting.push({ dueAt: this.clock.monotonic() + this.delayMs, bytes, arrive })
    this.bytes += bytes
    if (this.waiting.length === 1) this.wait()
  }

  end(): void {
    this.timer?.cancel()
    this.waiting.length = 0
  }

  private wait(): void {
    const [first] = this.waiting
    if (!first) return
    this.timer = this.clock.after(Math.max(0, first.dueAt - this.clock.monotonic()), () => {
      const now = this.clock.monotonic()
      while (this.waiting[0] && this.waiting[0].dueAt <= now) {
        const { bytes, arrive } = this.waiting.shift()!
        this.bytes -= bytes
        arrive()
      }
      this.wait()
    })
  }
}

export type { Duplex } from 'node:stream'

/** The socket, so many milliseconds away each way. Destroying it destroys the socket, and the other way round. */
export function farSocket(socket: Socket, delayMs: number, clock: Clock): Duplex {
  const [out, back] = [new Way(clock, delayMs), new Way(clock, delayMs)]
  const far = new Duplex({
    write(chunk: Buffer, _encoding, done) {
      const isFull = out.bytes >= FAR_BYTES_MAX
      out.send(chunk.length, () => {
        if (!socket.destroyed) socket.write(chunk)
        if (isFull) done()
      })
      if (!isFull) done()
    },
    final(done) {
      out.send(0, () => {
        socket.end()
        done()
      })
    },
    read: () => void socket.resume(),
    destroy(error, done) {
      out.end()
      back.end()
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    back.send(chunk.length, () => far.push(chunk))
    if (back.bytes >= FAR_BYTES_MAX) socket.pause()
  })
  socket.on('end', () => back.send(0, () => far.push(null)))
  socket.on('error', (error) => far.destroy(error))
  socket.on('close', () => back.send(0, () => far.destroy()))
  return far
}
