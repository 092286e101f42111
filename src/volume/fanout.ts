/** The writer's log on its way to the members: to those that keep up as it comes, to others out of the window. */
import type { Timer } from '#host/clock.ts'
import type { Append, Epoch, MemberId, Position } from '#wire/quorum/messages.ts'
import {
  BUSY_MS,
  HELD_BYTES_MAX,
  PIECE_BYTES_MAX,
  SYNC_SOON_MS,
  TELL_MS,
  UNCONFIRMED_BYTES_MAX,
  WINDOW_BYTES_MAX,
} from './limits.ts'
import type { MemberView, MemberViews } from './member-view.ts'
import type { HeadSurroundings } from './ports.ts'
import { Window } from './window.ts'

interface FanoutOptions {
  readonly epoch: Epoch
  /** Where the window begins. */
  readonly start: Position
  /** How many copies the writer waits for. */
  readonly write: number
  readonly views: MemberViews
  readonly durable: () => Position
}

export class Fanout {
  private readonly around: HeadSurroundings
  private readonly options: FanoutOptions
  private readonly window: Window
  /** The durable point that members were told last, and when they are told again, unless bytes go out that say it. */
  private told: Position = 0
  private tellAt: number | undefined
  private telling: Timer | undefined
  /** From here on nothing was sent to those that nobody waits for: they get it together. Infinity: they have all. */
  private heldFrom: Position = Infinity
  private holding: Timer | undefined
  /** When the last bytes came, and whether they came soon after those before. */
  private appendedAt = -Infinity
  private isBusy = false
  private isOpen = true

  constructor(around: HeadSurroundings, options: FanoutOptions) {
    this.around = around
    this.options = options
    this.window = new Window(options.start)
  }

  get windowStart(): Position {
    return this.window.start
  }

  get end(): Position {
    return this.window.end
  }

  append(position: Position, bytes: Buffer, boundary: Position): void {
    const start = this.window.end
    const fresh = this.window.push(position, bytes, boundary)
    if (!fresh) return
    const at = this.around.clock.monotonic()
    this.isBusy = at - this.appendedAt < BUSY_MS
    this.appendedAt = at
    const now = this.waitedFor(start)
    const durable = this.options.durable()
    this.told = durable
    this.tellAt = undefined
    if (now.length > 0) this.sendBytes(now, start, fresh, 'now')
    if (this.window.end - this.heldFrom > HELD_BYTES_MAX) this.release('soon')
  }

  /** Those that are to have the bytes from `start` on at once, and have all before. Others that nobody waits for have time. */
  private waitedFor(start: Position): MemberId[] {
    const { views, write } = this.options
    const now: MemberId[] = []
    // While members change, commits need more of them than one can tell beforehand. Where little is written all may have it.
    let left = views.all.length > WHOLE || !this.isBusy ? Infinity : write
    for (const view of views.all) {
      if (!keepsUp(view) || view.sent - view.end > UNCONFIRMED_BYTES_MAX) continue
      // It gets what it lacks out of the window.
      if (view.sent < Math.min(start, this.heldFrom)) continue
      if (left-- <= 0) this.hold(view)
      else if (view.sent === start) {
        view.sent = this.window.end
        now.push(view.id)
      } else this.sendRest(view, 'now')
    }
    return now
  }

  private hold({ sent }: MemberView): void {
    this.heldFrom = Math.min(this.heldFrom, sent)
    this.holding ??= this.around.clock.after(SYNC_SOON_MS, () => this.release('now'))
  }

  /** To those that nobody waits for, what they have not been sent. */
  private release(sync: Append['sync']): void {
    this.holding?.cancel()
    this.holding = undefined
    this.heldFrom = Infinity
    for (const view of this.options.views.all) if (keepsUp(view)) this.sendRest(view, sync)
  }

  /** Zeros behind what was read of the epoch before. Members are not there yet: they get them as they catch up. */
  pad(until: Position): void {
    while (this.window.end < until) {
      const at = this.window.end
      this.window.push(at, Buffer.alloc(Math.min(PIECE_BYTES_MAX, until - at)), at)
    }
  }

  /** Sends one member what it lacks and the window has, unless it gets that soon anyway. */
  catchUp(view: MemberView): void {
    if (view.sent < this.heldFrom) this.sendRest(view, 'now')
  }

  private sendRest(view: MemberView, sync: Append['sync']): void {
    while (view.sent < this.window.end && view.sent - view.end <= UNCONFIRMED_BYTES_MAX) {
      const bytes = this.window.from(view.sent, PIECE_BYTES_MAX)
      if (!bytes) return
      const position = view.sent
      view.sent += bytes.length
      this.sendBytes([view.id], position, bytes, sync)
    }
  }

  private sendBytes(to: readonly MemberId[], position: Position, bytes: Buffer, sync: Append['sync']): void {
    const { epoch, durable } = this.options
    this.around.send(to, { type: 'append', epoch, position, bytes, durable: durable(), sync })
  }

  /** At once where little is written; else soon, unless bytes go out that say it. */
  tellDurable(): void {
    if (!this.isBusy) return this.tell()
    this.tellAt ??= this.around.clock.monotonic() + TELL_MS
    this.telling ??= this.around.clock.after(TELL_MS, () => this.tellWhenDue())
  }

  /** Nothing more is said. */
  stop(): void {
    this.telling?.cancel()
    this.holding?.cancel()
  }

  private tellWhenDue(): void {
    this.telling = undefined
    if (this.tellAt === undefined) return
    const leftMs = this.tellAt - this.around.clock.monotonic()
    if (leftMs <= 0) this.tell()
    else this.telling = this.around.clock.after(leftMs, () => this.tellWhenDue())
  }

  private tell(): void {
    const { epoch, durable: durableNow, views } = this.options
    const [durable, ids] = [durableNow(), views.adopted]
    this.tellAt = undefined
    if (durable <= this.told || ids.length === 0) return
    this.told = durable
    this.around.send(ids, { type: 'durable', epoch, durable })
  }

  /** Where the last record ends that is whole before `end`; undefined: nothing new. */
  boundaryBefore(end: Position): Position | undefined {
    return this.window.boundaryBefore(end)
  }

  /** Lets go of what all have that keep up; of more, where that is too much: what a write quorum has can be had from a peer. */
  trim(quorum: Position): void {
    let needed = this.window.end
    for (const view of this.options.views.all) if (keepsUp(view)) needed = Math.min(needed, view.end)
    this.window.trim(Math.min(Math.max(needed, this.window.end - WINDOW_BYTES_MAX), quorum))
    const size = this.window.end - this.window.start
    const isOpen = this.isOpen ? size <= WINDOW_BYTES_MAX : size <= WINDOW_BYTES_MAX / 2
    if (isOpen === this.isOpen) return
    this.isOpen = isOpen
    this.around.flow(isOpen)
  }
}

/** Members of one configuration alone. */
const WHOLE = 6

const keepsUp = ({ isConnected, isAdopted, isResting, repair }: MemberView): boolean =>
  isConnected && isAdopted && !isResting && repair === undefined
