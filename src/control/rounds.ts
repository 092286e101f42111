/** Looks at each of many things again and again. One whose hosts are slow to answer keeps none of the others waiting. */
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { Clock, Timer } from '#host/clock.ts'

export interface RoundsParts<T> {
  readonly clock: Clock
  readonly log: Log
  readonly everyMs: number
  /** For the log. */
  readonly what: string
  list(): AsyncIterable<T> | Promise<Iterable<T>>
  keyOf(thing: T): string
  /** Made once for each thing, and called at each look; not before its last look is over. `isOver`: nothing is to be begun. */
  watcher(isOver: () => boolean): (thing: T) => Promise<void>
}

/** Until it is stopped. */
export function inRounds<T>(parts: RoundsParts<T>): { stop(): void } {
  const rounds = new Rounds(parts)
  rounds.begin()
  return rounds
}

interface Watched<T> {
  readonly look: (thing: T) => Promise<void>
  isLooking: boolean
}

class Rounds<T> {
  private readonly parts: RoundsParts<T>
  private watched = new Map<string, Watched<T>>()
  private timer: Timer | undefined
  private stopped = false
  private wasFailing = false

  constructor(parts: RoundsParts<T>) {
    this.parts = parts
  }

  begin(): void {
    void this.round().then(() => {
      if (!this.stopped) this.timer = this.parts.clock.after(this.parts.everyMs, () => this.begin())
    })
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private async round(): Promise<void> {
    const { list, keyOf, watcher, log, what } = this.parts
    try {
      const watched = new Map<string, Watched<T>>()
      for await (const thing of await list()) {
        const key = keyOf(thing)
        const one = this.watched.get(key) ?? { look: watcher(() => this.stopped), isLooking: false }
        watched.set(key, one)
        this.look(one, thing)
      }
      this.watched = watched
      this.wasFailing = false
    } catch (error) {
      if (!this.wasFailing && !this.stopped) log.warn({ error }, `${what}: ${messageOf(error)}`)
      this.wasFailing = true
    }
  }

  private look(one: Watched<T>, thing: T): void {
    if (one.isLooking) return
    one.isLooking = true
    void one
      .look(thing)
      // A host has just gone, mostly. The next look is soon.
      .catch((error: unknown) => this.parts.log.debug({ error }, `${this.parts.what}: ${messageOf(error)}`))
      .finally(() => (one.isLooking = false))
  }
}
