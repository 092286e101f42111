/** Requests that wait for their reply, found again by the number that the reply names. */
export class Pending {
  private seq = 0
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()

  get size(): number {
    return this.waiting.size
  }

  /** A new request: the number it is sent with, and what its reply will bring. */
  open(): { seq: number; reply: Promise<unknown> } {
    const seq = ++this.seq
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.waiting.set(seq, { resolve, reject })
    return { seq, reply: promise }
  }

  /** A reply to a request that nobody waits for any more is dropped. */
  resolve(seq: number, value: unknown): void {
    this.waiting.get(seq)?.resolve(value)
    this.waiting.delete(seq)
  }

  reject(seq: number, error: Error): void {
    this.waiting.get(seq)?.reject(error)
    this.waiting.delete(seq)
  }

  rejectAll(error: Error): void {
    for (const seq of this.waiting.keys()) this.reject(seq, error)
  }
}
