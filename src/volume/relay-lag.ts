/** How far a relay is behind its source, by what the source says now and then of where its log ends. Pure. */
import type { Position } from '#wire/quorum/messages.ts'
import { LAG_MARKS_MAX } from './limits.ts'

interface Mark {
  readonly end: Position
  /** Wall time. */
  readonly atMs: number
}

export class RelayLag {
  /** Not here yet, oldest first. */
  private waiting: Mark[] = []
  private last: Mark | undefined
  private durable: Position = 0
  private arrived: Mark | undefined
  private tookMs: number | undefined

  /** Everything before `end` was durable at the source at that time, and no more. */
  heard(end: Position, atMs: number, nowMs: number): void {
    this.last = { end, atMs }
    this.waiting.push(this.last)
    // Of what waits for long the oldest and the newest tell enough.
    if (this.waiting.length > LAG_MARKS_MAX) this.waiting = this.waiting.filter((_, at) => at % 2 === 0)
    this.settle(nowMs)
  }

  /** Everything before `position` is durable here. */
  reached(position: Position, nowMs: number): void {
    this.durable = Math.max(this.durable, position)
    this.settle(nowMs)
  }

  /** Where the source's log ended by its last word. */
  get sourceEnd(): Position | undefined {
    return this.last?.end
  }

  /** All that was durable there at this time is durable here. */
  get asOfMs(): number | undefined {
    return this.arrived?.atMs
  }

  /** How long the last took to be durable here, or how long already something waits that was said before `nowMs`. */
  lagMs(nowMs: number, silenceMs: number): number | undefined {
    const [oldest] = this.waiting
    if (!oldest && this.tookMs === undefined) return undefined
    // A source that says nothing may have more than it has said.
    const silent = this.last && nowMs - this.last.atMs > silenceMs ? nowMs - this.last.atMs : 0
    return Math.max(0, this.tookMs ?? 0, oldest ? nowMs - oldest.atMs : 0, silent)
  }

  private settle(nowMs: number): void {
    while (this.waiting[0] && this.waiting[0].end <= this.durable) {
      this.arrived = this.waiting.shift()!
      this.tookMs = Math.max(0, nowMs - this.arrived.atMs)
    }
  }
}
