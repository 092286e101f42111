/**
 * The head of a volume in one epoch: asks the members what they have, chooses the log that goes on, brings it to enough of
 * them, and from then on has whatever the writer writes on four of six before it is acknowledged. Phases and rules:
 * docs/protocol/quorum-log.md. Decides from messages and a clock; has neither socket nor file.
 */
import { assert } from '#base/assert.ts'
import type {
  Adopted,
  Configuration,
  Epoch,
  Gap,
  History,
  MemberId,
  MemberMessage,
  Position,
  Sealed,
} from '#wire/quorum/messages.ts'
import { chooseLog, historyOfWriter } from './choose-log.ts'
import { Fanout } from './fanout.ts'
import { Lease } from './lease.ts'
import { AGAIN_MS, LEASE_MS, RETURN_MS } from './limits.ts'
import { RULES, type HeadOptions, type HeadPhase, type HeadSurroundings, type Rules } from './ports.ts'
import { Sealing, watchRecovery } from './sealing.ts'
import { MemberViews, type MemberView } from './member-view.ts'

export class Head {
  readonly epoch: Epoch
  private readonly around: HeadSurroundings
  private readonly rules: Rules
  private readonly views: MemberViews
  private readonly lease: Lease
  private phaseNow: HeadPhase = 'sealing'
  private readonly sealing: Sealing
  /** Of the chosen log, then with this epoch. */
  private history: History = []
  /** Where the chosen log ends. */
  private recoveredEnd: Position = 0
  private durablePoint: Position = 0
  /** From here on the log is this epoch's. */
  private start: Position = Infinity
  private readonly options: HeadOptions
  private fanout: Fanout | undefined
  private reader: string | undefined
  /** Of a configuration that is not in force yet: everything before this has to be where it asks for it. */
  private configuring: Position | undefined

  constructor(around: HeadSurroundings, options: HeadOptions) {
    this.around = around
    this.epoch = options.epoch
    this.rules = options.rules ?? RULES
    this.options = options
    this.views = new MemberViews(options.configuration)
    this.sealing = new Sealing(around.clock, this.views, { count: this.rules.seal, done: () => this.choose() })
    // A change of members that another epoch began is this one's to end.
    if (options.configuration.joint) this.configuring = 0
    this.lease = new Lease(around.clock, options.leaseMs ?? LEASE_MS, {
      ask: (sequence) => this.around.send(this.views.ids, { type: 'ping', epoch: this.epoch, sequence }),
      heard: (timeOf) => this.views.quorumValue(this.rules.write, timeOf),
      lost: () => this.fence('no word from enough members'),
    })
    // Its readers are served all the while, and nobody knows when the head before had heard enough members.
    if (options.writerStart !== undefined) this.lease.begin(RETURN_MS)
  }

  get phase(): HeadPhase {
    return this.phaseNow
  }

  /** Commits before it may be acknowledged. */
  get durable(): Position {
    return this.durablePoint
  }

  /** What every member has, as far as is known here. */
  get members(): readonly Readonly<MemberView>[] {
    return this.views.all
  }

  connected(member: MemberId): void {
    if (this.phaseNow === 'fenced' || !this.views.found(member)) return
    this.around.send([member], { type: 'seal', epoch: this.epoch })
    const sequence = this.lease.asking
    if (sequence !== undefined) this.around.send([member], { type: 'ping', epoch: this.epoch, sequence })
  }

  disconnected(member: MemberId): void {
    this.views.lost(member)
    this.progress()
  }

  received(member: MemberId, message: MemberMessage): void {
    const view = this.views.get(member)
    if (!view || this.phaseNow === 'fenced') return
    if (message.type === 'refused') {
      if (message.promised > this.epoch) this.fence(`epoch ${message.promised} has begun`)
      return
    }
    if (message.epoch !== this.epoch) return
    switch (message.type) {
      case 'sealed':
        return this.sealed(view, message)
      case 'adopted':
        return this.adopted(view, message)
      case 'flushed':
        return this.reached(view, message.end)
      case 'gap':
        return this.gap(view, message)
      case 'pong':
        return this.lease.heard(member, message.sequence)
    }
  }

  /** This reader becomes the writer: it may have all of the chosen log. */
  release(reader: string): void {
    this.reader = reader
    this.tellRelease(this.views.adopted)
  }

  /**
   * The writer's timeline of this epoch begins there. Gives from where its log has to be read: older bytes are on enough
   * members. May be told again, after the connection to the writer was lost.
   */
  epochStarts(start: Position): Position {
    if (this.fanout) {
      assert(start === this.start, 'an epoch has one start')
      return Math.max(start, this.fanout.windowStart)
    }
    assert(this.phaseNow === 'ready', 'a writer starts when its log is recovered')
    this.start = start
    const { history, recoveredEnd: end, durablePoint: durable } = this
    const log = { history, end, durable, paddedEnd: this.options.paddedEnd?.(end) ?? end }
    this.history = historyOfWriter(log, { epoch: this.epoch, start }, this.options.writerStart !== undefined)
    // A head that comes back in its epoch goes on where its epoch's log is known to be durable.
    const from = Math.max(start, durable)
    this.fanout = new Fanout(this.around, { epoch: this.epoch, start: Math.min(from, end), write: this.rules.write })
    this.phaseNow = 'leading'
    if (this.options.writerStart === undefined) this.lease.begin()
    for (const view of this.views.all) {
      Object.assign(view, { isAdopted: false, acknowledged: -1 })
      if (view.isSealed) this.tellAdopt(view)
    }
    this.fanout.pad(from)
    if (this.durablePoint > start) this.open()
    return from
  }

  /** The next bytes of the writer's log. `boundary`: where the last record ends that is whole before their end. */
  append(position: Position, bytes: Buffer, boundary: Position): void {
    if (this.phaseNow === 'fenced') return
    assert(this.fanout, 'the writer has started')
    this.fanout.append(position, bytes, boundary, { views: this.views.all, durable: this.durablePoint })
    this.fanout.trim(this.views.all, this.views.quorumEnd(this.rules.write))
  }

  /** Members change. The head says `configured` when what there is now is where the new configuration wants it. May be told again. */
  reconfigure(configuration: Configuration): void {
    const isNew = configuration.generation > this.views.configuration.generation
    if (configuration.generation < this.views.configuration.generation) return
    if (isNew) this.views.reconfigure(configuration)
    // Whoever asks again has not heard the answer.
    this.configuring = isNew ? (this.fanout?.end ?? this.recoveredEnd) : (this.configuring ?? 0)
    if (this.phaseNow === 'sealing') this.sealing.look()
    this.progress()
  }

  /** Ends it without a word to anybody. */
  stop(): void {
    this.phaseNow = 'fenced'
    this.sealing.end()
    this.lease.end()
  }

  private sealed(view: MemberView, { history, end, durable, first }: Sealed): void {
    Object.assign(view, { isSealed: true, isAdopted: false, history, end, first, sent: end })
    if (this.phaseNow !== 'sealing') return this.tellAdopt(view)
    view.durable = durable
    this.sealing.look()
  }

  private choose(): void {
    const sealed = this.views.all.filter(({ isSealed }) => isSealed)
    const { end, history, durable } = chooseLog(sealed, this.rules.comparesEpochs)
    ;[this.recoveredEnd, this.history, this.durablePoint] = [end, history, durable]
    // Of a log that has nothing of this epoch, nobody knows whether the writer began upon it.
    const isOurs = this.options.writerStart === undefined || history.at(-1)!.epoch === this.epoch
    if (!isOurs) return this.fence('no log of the writer')
    this.phaseNow = 'recovering'
    for (const view of sealed) this.tellAdopt(view)
    watchRecovery(this.around.clock, this.views, {
      isOver: () => this.phaseNow !== 'recovering',
      stuck: () => this.fence('nobody has the log that was chosen'),
    })
  }

  private adopted(view: MemberView, { last, end }: Adopted): void {
    // An answer to what was asked before the epoch's start was known says nothing about what is asked now.
    if (this.phaseNow === 'sealing' || last !== this.history.at(-1)!.epoch || !view.isSealed) return
    Object.assign(view, { isAdopted: true, repair: undefined, sent: end })
    this.tellRelease([view.id])
    // It may be long until there is something to append that would say it.
    if (this.phaseNow === 'open') this.tellDurable([view.id])
    this.reached(view, end)
  }

  private reached(view: MemberView, end: Position): void {
    if (!view.isAdopted) return
    Object.assign(view, { end, acknowledged: Math.max(view.acknowledged, end), sent: Math.max(view.sent, end) })
    if (view.repair && end >= view.repair.until) view.repair = undefined
    // What happens with every commit touches this member alone.
    if (this.phaseNow !== 'open' || this.configuring !== undefined) return this.progress()
    this.advanceDurable(this.fanout!)
    this.supply(view)
    this.fanout!.trim(this.views.all, this.durablePoint)
  }

  private gap(view: MemberView, { end }: Gap): void {
    if (!view.isAdopted || view.isResting) return
    Object.assign(view, { isResting: true, repair: undefined })
    this.around.clock.after(AGAIN_MS, () => {
      if (!view.isResting) return
      // It may have taken more since: what was on its way when it said so.
      Object.assign(view, { isResting: false, sent: Math.max(end, view.end) })
      this.progress()
    })
  }

  /** Whatever has become possible. */
  private progress(): void {
    if (this.phaseNow === 'sealing' || this.phaseNow === 'fenced') return
    if (this.phaseNow === 'recovering') this.recoverWhenEnough()
    if (this.fanout) this.advanceDurable(this.fanout)
    for (const view of this.views.all) this.supply(view)
    this.fanout?.trim(this.views.all, this.views.quorumEnd(this.rules.write))
    this.configureWhenThere()
  }

  private recoverWhenEnough(): void {
    if (this.views.quorumEnd(this.rules.write) < this.recoveredEnd) return
    this.phaseNow = 'ready'
    // Must not be done: see docs/protocol/quorum-log.md, 4.
    if (!this.rules.waitsForEpochStart) {
      this.around.durable((this.durablePoint = this.recoveredEnd))
      this.tellDurable(this.views.adopted)
    }
    this.around.recovered({ end: this.recoveredEnd, durable: this.durablePoint, history: this.history })
  }

  private tellDurable(members: readonly MemberId[]): void {
    this.around.send(members, { type: 'durable', epoch: this.epoch, durable: this.durablePoint })
  }

  private advanceDurable(fanout: Fanout): void {
    const boundary = fanout.boundaryBefore(this.views.quorumEnd(this.rules.write))
    if (boundary === undefined || boundary <= this.durablePoint || boundary <= this.start) return
    this.durablePoint = boundary
    fanout.tellDurable(this.views, () => this.durablePoint)
    if (this.phaseNow === 'leading') this.open()
    else this.around.durable(boundary)
  }

  private open(): void {
    this.phaseNow = 'open'
    this.around.durable(this.durablePoint)
    this.around.opened()
  }

  /** Sees to it that a member gets what it lacks: out of the window, or from a peer. */
  private supply(view: MemberView): void {
    if (!view.isAdopted || view.isResting || view.repair !== undefined) return
    const { fanout } = this
    const until = fanout ? Math.max(fanout.windowStart, Math.min(this.start, this.recoveredEnd)) : this.recoveredEnd
    if (view.end >= until) return fanout?.catchUp(view, this.durablePoint)
    const repair = this.views.beginRepair(view, until)
    if (!repair) return
    this.around.send([view.id], { type: 'repair', epoch: this.epoch, from: repair.from, position: repair.until })
  }

  private configureWhenThere(): void {
    if (this.configuring === undefined || this.phaseNow !== 'open') return
    if (this.views.quorumEnd(this.rules.write) < this.configuring) return
    this.configuring = undefined
    this.around.configured(this.views.configuration.generation)
  }

  private tellAdopt(view: MemberView): void {
    this.around.send([view.id], { type: 'adopt', epoch: this.epoch, history: this.history })
  }

  private tellRelease(members: readonly MemberId[]): void {
    const { epoch, reader, recoveredEnd: position } = this
    if (reader !== undefined) this.around.send(members, { type: 'release', epoch, reader, position })
  }

  private fence(reason: string): void {
    const isOver = this.phaseNow === 'fenced'
    this.stop()
    if (!isOver) this.around.fenced(reason)
  }
}
