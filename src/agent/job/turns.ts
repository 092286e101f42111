/** One at a time per key, in order of arrival. */
export class Turns {
  private readonly tails = new Map<string, Promise<void>>()

  /** Runs `work` when its turn comes. Rejects with the signal's reason when that aborts first; nobody else's turn is lost. */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key)
    const mine = Promise.withResolvers<void>()
    const tail = before ? before.then(() => mine.promise) : mine.promise
    this.tails.set(key, tail)
    try {
      if (before) await abortable(before, signal)
      signal.throwIfAborted()
      return await work()
    } finally {
      mine.resolve()
      if (this.tails.get(key) === tail) void tail.then(() => this.drop(key, tail))
    }
  }

  private drop(key: string, tail: Promise<void>): void {
    if (this.tails.get(key) === tail) this.tails.delete(key)
  }
}

/** At most so many at once, in order of arrival. */
export class Slots {
  private free: number
  private readonly waiting: (() => void)[] = []

  constructor(count: number) {
    this.free = count
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.take(signal)
    try {
      return await work()
    } finally {
      this.give()
    }
  }

  private async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.free > 0) {
      this.free--
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.waiting.push(resolve)
    try {
      await abortable(promise, signal)
    } catch (error) {
      const at = this.waiting.indexOf(resolve)
      // Not waiting any more: the slot was given in the same moment, and goes on to the next.
      if (at === -1) this.give()
      else this.waiting.splice(at, 1)
      throw error
    }
  }

  private give(): void {
    const next = this.waiting.shift()
    if (next) next()
    else this.free++
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
