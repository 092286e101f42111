/** What a head knows of the members of its volume. */
import type { Clock } from '#host/clock.ts'
import type { Configuration, History, MemberId, Position } from '#wire/quorum/messages.ts'
import { AGAIN_MS } from './limits.ts'
import { isQuorum, membersOf, quorumValue } from './quorum.ts'

/** What a head knows of one member. */
export interface MemberView {
  readonly id: MemberId
  isConnected: boolean
  /** It has promised this epoch, in this connection. */
  isSealed: boolean
  /** Its log is a part of the one that the head has in mind, in this connection. */
  isAdopted: boolean
  history: History
  first: Position
  durable: Position
  /** Of what is on its disk, by its last word. */
  end: Position
  /** The highest end of the log that it adopted, ever; -1: none. What is on a disk stays there when a connection is lost. */
  acknowledged: Position
  /** Up to where it was sent the log in this connection. */
  sent: Position
  /** The peer from which it gets what it lacks, and up to where. */
  repair: { readonly from: MemberId; readonly until: Position } | undefined
  /** It could not take what it was sent, and is left alone for a moment. */
  isResting: boolean
}

const newView = (id: MemberId): MemberView => ({
  id,
  isConnected: false,
  isSealed: false,
  isAdopted: false,
  history: [],
  first: 0,
  durable: 0,
  end: 0,
  acknowledged: -1,
  sent: 0,
  repair: undefined,
  isResting: false,
})

/** Leaves a member alone for a moment that could not take what it was sent, of which it has all before `end`. */
export function restAfterGap(view: MemberView, end: Position, parts: { clock: Clock; over(): void }): void {
  if (!view.isAdopted || view.isResting) return
  Object.assign(view, { isResting: true, repair: undefined })
  parts.clock.after(AGAIN_MS, () => {
    if (!view.isResting) return
    // It may have taken more since: what was on its way when it said so.
    Object.assign(view, { isResting: false, sent: Math.max(end, view.end) })
    parts.over()
  })
}

export class MemberViews {
  private present: Configuration
  private readonly views = new Map<MemberId, MemberView>()
  private list: readonly MemberView[] = []

  constructor(configuration: Configuration) {
    this.present = configuration
    this.reconfigure(configuration)
  }

  get configuration(): Configuration {
    return this.present
  }

  get all(): readonly MemberView[] {
    return this.list
  }

  get ids(): readonly MemberId[] {
    return [...this.views.keys()]
  }

  get adopted(): readonly MemberId[] {
    return this.all.filter(({ isAdopted }) => isAdopted).map(({ id }) => id)
  }

  get(id: MemberId): MemberView | undefined {
    return this.views.get(id)
  }

  /** Who left is forgotten, who came is not known yet. */
  reconfigure(configuration: Configuration): void {
    this.present = configuration
    const ids = membersOf(configuration)
    for (const id of this.views.keys()) if (!ids.includes(id)) this.views.delete(id)
    for (const id of ids) if (!this.views.has(id)) this.views.set(id, newView(id))
    this.list = [...this.views.values()]
  }

  /** It can be spoken to. False: it is none of these. */
  found(member: MemberId): boolean {
    const view = this.views.get(member)
    if (view) view.isConnected = true
    return view !== undefined
  }

  /** What is on its disk stays there; all else begins anew with its next connection. */
  lost(member: MemberId): void {
    const view = this.views.get(member)
    if (!view) return
    view.isConnected = false
    view.isSealed = false
    view.isAdopted = false
    view.isResting = false
    view.repair = undefined
    for (const other of this.views.values()) if (other.repair?.from === view.id) other.repair = undefined
  }

  isQuorum(count: number, has: (view: MemberView) => boolean): boolean {
    return isQuorum(this.present, count, (id) => has(this.views.get(id)!))
  }

  quorumValue(count: number, valueOf: (id: MemberId) => number): number {
    return quorumValue(this.present, count, valueOf)
  }

  /** Rises with every byte that a member is known to have got, or adopted. */
  get got(): number {
    return this.all.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** What that many have of the log that they adopted. */
  quorumEnd(count: number): Position {
    return this.quorumValue(count, (id) => this.views.get(id)!.acknowledged)
  }

  /** Finds who could give a member what it lacks: best all of it, up to `until`. Undefined: nobody now. */
  beginRepair(view: MemberView, until: Position): MemberView['repair'] {
    const able = this.all.filter(
      (other) =>
        other !== view && other.isConnected && other.isAdopted && other.end > view.end && other.first <= view.end,
    )
    const source = able.find(({ end }) => end >= until) ?? able.toSorted((a, b) => b.end - a.end)[0]
    if (source) view.repair = { from: source.id, until: Math.min(until, source.end) }
    return view.repair
  }
}
