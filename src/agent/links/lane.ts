import type { Clock, Timer } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { LINK_BYTES_MAX } from '../limits.ts'

interface Parcel {
  /** Undefined: the end of the stream. */
  readonly bytes: Buffer | undefined
  readonly dueAt: number
}

/** One direction of a connection: bytes, and their end, arrive in order, each no sooner than it is due. */
export class Lane {
  private readonly clock: Clock
  private readonly from: Socket
  private readonly to: Socket
  private readonly delayMs: () => number
  private readonly waiting: Parcel[] = []
  private bytes = 0
  private timer: Timer | undefined
  private isBlocked = false

  constructor(clock: Clock, from: Socket, to: Socket, delayMs: () => number) {
    this.clock = clock
    this.from = from
    this.to = to
    this.delayMs = delayMs
    from.on('data', (bytes: Buffer) => this.take(bytes))
    from.on('end', () => this.take(undefined))
    to.on('drain', () => {
      this.isBlocked = false
      this.flow()
    })
  }

  end(): void {
    this.timer?.cancel()
    this.waiting.length = 0
  }

  private take(bytes: Buffer | undefined): void {
    // What was sent later does not arrive earlier, also where the delay has become shorter meanwhile.
    const dueAt = Math.max(this.clock.monotonic() + this.delayMs(), this.waiting.at(-1)?.dueAt ?? 0)
    this.waiting.push({ bytes, dueAt })
    this.bytes += bytes?.length ?? 0
    if (this.bytes >= LINK_BYTES_MAX) this.from.pause()
    this.flow()
  }

  private flow(): void {
    while (!this.isBlocked && !this.to.destroyed) {
      const first = this.waiting[0]
      if (!first) return
      const leftMs = first.dueAt - this.clock.monotonic()
      if (leftMs > 0) return this.later(leftMs)
      this.waiting.shift()
      if (!first.bytes) return void this.to.end()
      this.isBlocked = !this.to.write(first.bytes)
      this.bytes -= first.bytes.length
      if (this.bytes < LINK_BYTES_MAX) this.from.resume()
    }
  }

  private later(ms: number): void {
    this.timer?.cancel()
    this.timer = this.clock.after(ms, () => this.flow())
  }
}
