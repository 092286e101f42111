/** The writer's log on its way to the members: to those that keep up as it comes, to others out of the window. */
import type { Timer } from '#host/clock.ts'
import type { Append, Epoch, MemberId, Position } from '#wire/quorum/messages.ts'
import { BUSY_MS, PIECE_BYTES_MAX, TELL_MS, UNCONFIRMED_BYTES_MAX, WINDOW_BYTES_MAX } from './limits.ts'
import type { MemberView, MemberViews } from './member-view.ts'
import type { HeadSurroundings } from './ports.ts'
import { Window } from './window.ts'

interface FanoutOptions {
  readonly epoch: Epoch
  /** Where the window begins. */
  readonly start: Position
  /** How many copies the writer waits for. */
  readonly write: number
}

type Views = readonly MemberView[]

export class Fanout {
  private readonly around: HeadSurroundings
  private readonly epoch: Epoch
  private readonly write: number
  private readonly window: Window
  /** The durable point that members were told last, and when they are told again, unless bytes go out that say it. */
  private told: Position = 0
  private telling: Timer | undefined
  /** When the last bytes came, and whether they came soon after those before. */
  private appendedAt = -Infinity
  private isBusy = false
  private isOpen = true

  constructor(around: HeadSurroundings, { epoch, start, write }: FanoutOptions) {
    this.around = around
    this.epoch = epoch
    this.write = write
    this.window = new Window(start)
  }

  get windowStart(): Position {
    return this.window.start
  }

  get end(): Position {
    return this.window.end
  }

  append(position: Position, bytes: Buffer, boundary: Position, to: { views: Views; durable: Position }): void {
    const start = this.window.end
    const fresh = this.window.push(position, bytes, boundary)
    if (!fresh) return
    const at = this.around.clock.monotonic()
    this.isBusy = at - this.appendedAt < BUSY_MS
    this.appendedAt = at
    const [now, soon]: [MemberId[], MemberId[]] = [[], []]
    for (const view of to.views) {
      if (!keepsUp(view) || view.sent - view.end > UNCONFIRMED_BYTES_MAX) continue
      // What is read again ends where no piece did: a member has a part of this one.
      if (view.sent > start && view.sent < this.window.end) this.catchUp(view, to.durable)
      if (view.sent !== start) continue
      view.sent = this.window.end
      // While members change, commits need more of them than one can tell beforehand.
      ;(now.length < this.write || to.views.length > WHOLE ? now : soon).push(view.id)
    }
    const append = { type: 'append', epoch: this.epoch, position: start, bytes: fresh, durable: to.durable } as const
    this.told = to.durable
    if (now.length > 0) this.around.send(now, { ...append, sync: 'now' })
    if (soon.length > 0) this.around.send(soon, { ...append, sync: 'soon' })
  }

  /** Zeros behind what was read of the epoch before. Members are not there yet: they get them as they catch up. */
  pad(until: Position): void {
    while (this.window.end < until) {
      const at = this.window.end
      this.window.push(at, Buffer.alloc(Math.min(PIECE_BYTES_MAX, until - at)), at)
    }
  }

  /** Sends one member what it lacks and the window has. */
  catchUp(view: MemberView, durable: Position): void {
    while (view.sent < this.window.end && view.sent - view.end <= UNCONFIRMED_BYTES_MAX) {
      const bytes = this.window.from(view.sent, PIECE_BYTES_MAX)
      if (!bytes) return
      const append: Append = { type: 'append', epoch: this.epoch, position: view.sent, bytes, durable, sync: 'now' }
      view.sent += bytes.length
      this.around.send([view.id], append)
    }
  }

  /** At once where little is written; else soon, unless bytes go out that say it. */
  tellDurable(views: MemberViews, durableNow: () => Position): void {
    if (!this.isBusy) return this.tell(views, durableNow())
    this.telling ??= this.around.clock.after(TELL_MS, () => {
      this.telling = undefined
      this.tell(views, durableNow())
    })
  }

  /** Nothing more is said. */
  stop(): void {
    this.telling?.cancel()
  }

  private tell(views: MemberViews, durable: Position): void {
    const ids = views.adopted
    if (durable <= this.told || ids.length === 0) return
    this.told = durable
    this.around.send(ids, { type: 'durable', epoch: this.epoch, durable })
  }

  /** Where the last record ends that is whole before `end`; undefined: nothing new. */
  boundaryBefore(end: Position): Position | undefined {
    return this.window.boundaryBefore(end)
  }

  /** Lets go of what all have that keep up; of more, where that is too much: what a write quorum has can be had from a peer. */
  trim(views: Views, quorum: Position): void {
    let needed = this.window.end
    for (const view of views) if (keepsUp(view)) needed = Math.min(needed, view.end)
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
