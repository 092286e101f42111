import type { Clock } from '#host/clock.ts'
import { PORTION_MS_MAX } from '../limits.ts'

/** Bytes of the log between the connection that they come from and the archive that they go to. */
export class Inbox {
  private readonly clock: Clock
  private readonly buffers: Buffer[] = []
  private bytes = 0
  private firstAt = 0
  private over = false
  private failure: Error | undefined
  private changed = Promise.withResolvers<void>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  get size(): number {
    return this.bytes
  }

  push(buffer: Buffer): void {
    if (this.bytes === 0) this.firstAt = this.clock.monotonic()
    this.buffers.push(buffer)
    this.bytes += buffer.length
    this.changed.resolve()
  }

  /** Nothing comes any more: after what is here, {@link Inbox.filled} is false. */
  end(): void {
    this.over = true
    this.changed.resolve()
  }

  /** Nothing comes any more, and what is here is not wanted either. */
  fail(error: Error): void {
    this.failure ??= error
    this.changed.resolve()
  }

  /** Waits for `bytes`, or for fewer that have waited long enough. False when there are none and none will come. */
  async filled(bytes: number): Promise<boolean> {
    for (;;) {
      if (this.failure) throw this.failure
      const left = this.bytes === 0 ? Infinity : this.firstAt + PORTION_MS_MAX - this.clock.monotonic()
      if (this.over || this.bytes >= bytes || left <= 0) return this.bytes > 0
      this.changed = Promise.withResolvers()
      const timer = left < Infinity ? this.clock.after(left, () => this.changed.resolve()) : undefined
      await this.changed.promise
      timer?.cancel()
    }
  }

  /** At most so many of the bytes that are here. */
  take(bytesMax: number): Buffer {
    const taken: Buffer[] = []
    let left = bytesMax
    while (left > 0 && this.buffers.length > 0) {
      const first = this.buffers.shift()!
      if (first.length > left) this.buffers.unshift(first.subarray(left))
      const part = first.subarray(0, left)
      taken.push(part)
      left -= part.length
      this.bytes -= part.length
    }
    this.firstAt = this.clock.monotonic()
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
  }
}
