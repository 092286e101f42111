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
import type { Timer } from '#host/clock.ts'
import { chooseLog } from './choose-log.ts'
import { Fanout } from './fanout.ts'
import { withEpoch } from './history.ts'
import { Lease } from './lease.ts'
import { AGAIN_MS, LEASE_MS, STRAGGLER_MS } from './limits.ts'
import type { HeadOptions, HeadPhase, HeadSurroundings, Rules } from './ports.ts'
import { RULES } from './ports.ts'
import { MemberViews, type MemberView } from './member-view.ts'

export class Head {
  readonly epoch: Epoch
  private readonly around: HeadSurroundings
  private readonly rules: Rules
  private readonly views: MemberViews
  private readonly lease: Lease
  private phaseNow: HeadPhase = 'sealing'
  private straggling: Timer | undefined
  /** Of the chosen log, then with this epoch. */
  private history: History = []
  /** Where the chosen log ends. */
  private recoveredEnd: Position = 0
  private durablePoint: Position = 0
  /** From here on the log is this epoch's. */
  private start: Position = Infinity
  private fanout: Fanout | undefined
  private reader: string | undefined
  /** Of a configuration that is not in force yet: everything before this has to be where it asks for it. */
  private configuring: Position | undefined

  constructor(around: HeadSurroundings, options: HeadOptions) {
    this.around = around
    this.epoch = options.epoch
    this.rules = options.rules ?? RULES
    this.views = new MemberViews(options.configuration)
    this.lease = new Lease(around.clock, options.leaseMs ?? LEASE_MS, {
      ask: (sequence) => this.around.send(this.views.ids, { type: 'ping', epoch: this.epoch, sequence }),
      heard: (timeOf) => this.views.quorumValue(this.rules.write, timeOf),
      lost: () => this.fence('no word from enough members'),
    })
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
    const view = this.views.get(member)
    if (!view || this.phaseNow === 'fenced') return
    view.isConnected = true
    this.around.send([member], { type: 'seal', epoch: this.epoch })
  }

  disconnected(member: MemberId): void {
    const view = this.views.get(member)
    if (!view) return
    this.views.lost(view)
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
      return this.fanout.windowStart
    }
    assert(this.phaseNow === 'ready', 'a writer starts when its log is recovered')
    assert(this.durablePoint <= start, 'a writer keeps what is durable')
    assert(start <= this.recoveredEnd, 'a writer begins within the chosen log')
    this.start = start
    this.history = withEpoch(this.history, { epoch: this.epoch, start })
    // A head that comes back in its epoch goes on where its epoch's log is known to be durable.
    const from = Math.max(start, this.durablePoint)
    this.fanout = new Fanout(this.around, { epoch: this.epoch, start: from, write: this.rules.write })
    this.phaseNow = 'leading'
    this.lease.begin()
    for (const view of this.views.all) {
      Object.assign(view, { isAdopted: false, acknowledged: -1 })
      if (view.isSealed) this.tellAdopt(view)
    }
    if (this.durablePoint > start) this.open()
    return from
  }

  /** The next bytes of the writer's log. `boundary`: where the last record ends that is whole before their end. */
  append(position: Position, bytes: Buffer, boundary: Position): void {
    if (this.phaseNow === 'fenced') return
    assert(this.fanout, 'the writer has started')
    this.fanout.append(position, bytes, boundary, { views: this.views.all, durable: this.durablePoint })
    this.fanout?.trim(this.views.all, this.views.quorumEnd(this.rules.write))
  }

  /** Members change. The head says `configured` when what there is now is where the new configuration wants it. */
  reconfigure(configuration: Configuration): void {
    if (configuration.generation <= this.views.configuration.generation) return
    this.views.reconfigure(configuration)
    this.configuring = this.fanout?.end ?? this.recoveredEnd
    this.progress()
  }

  /** Ends it without a word to anybody. */
  stop(): void {
    this.phaseNow = 'fenced'
    this.straggling?.cancel()
    this.lease.end()
  }

  private sealed(view: MemberView, { history, end, durable, first }: Sealed): void {
    Object.assign(view, { isSealed: true, isAdopted: false, history, end, first, sent: end })
    if (this.phaseNow === 'sealing') {
      view.durable = durable
      this.chooseWhenEnough()
    } else {
      this.tellAdopt(view)
    }
  }

  private chooseWhenEnough(): void {
    const isEnough = (): boolean => this.views.isQuorum(this.rules.seal, ({ isSealed }) => isSealed)
    if (!isEnough()) return
    if (this.views.all.every(({ isSealed }) => isSealed)) return this.choose()
    this.straggling ??= this.around.clock.after(STRAGGLER_MS, () => {
      this.straggling = undefined
      if (this.phaseNow === 'sealing' && isEnough()) this.choose()
    })
  }

  private choose(): void {
    this.straggling?.cancel()
    const sealed = this.views.all.filter(({ isSealed }) => isSealed)
    const chosen = chooseLog(sealed, this.rules.comparesEpochs)
    this.recoveredEnd = chosen.end
    this.history = chosen.history
    this.durablePoint = chosen.durable
    this.phaseNow = 'recovering'
    for (const view of sealed) this.tellAdopt(view)
  }

  private adopted(view: MemberView, { last, end }: Adopted): void {
    // An answer to what was asked before the epoch's start was known says nothing about what is asked now.
    if (this.phaseNow === 'sealing' || last !== this.history.at(-1)!.epoch || !view.isSealed) return
    Object.assign(view, { isAdopted: true, repair: undefined, sent: end })
    this.tellRelease([view.id])
    this.reached(view, end)
  }

  private reached(view: MemberView, end: Position): void {
    if (!view.isAdopted) return
    view.end = end
    view.acknowledged = Math.max(view.acknowledged, end)
    view.sent = Math.max(view.sent, end)
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
      Object.assign(view, { isResting: false, sent: end })
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
    if (!this.rules.waitsForEpochStart) this.makeDurableByCounting()
    const { recoveredEnd: end, durablePoint: durable, history } = this
    this.around.recovered({ end, durable, history })
  }

  /** What must not be done: see docs/protocol/quorum-log.md, 4. */
  private makeDurableByCounting(): void {
    this.durablePoint = this.recoveredEnd
    this.around.durable(this.durablePoint)
    this.around.send(this.views.adopted, { type: 'durable', epoch: this.epoch, durable: this.durablePoint })
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
    const until = fanout ? Math.max(fanout.windowStart, this.start) : this.recoveredEnd
    if (view.end >= until) return fanout?.catchUp(view, this.durablePoint)
    const repair = this.views.beginRepair(view, until)
    if (repair)
      this.around.send([view.id], { type: 'repair', epoch: this.epoch, from: repair.from, position: repair.until })
  }

  private configureWhenThere(): void {
    const { configuring, phaseNow } = this
    if (configuring === undefined || phaseNow !== 'open' || this.views.quorumEnd(this.rules.write) < configuring) return
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
    if (this.phaseNow === 'fenced') return
    this.stop()
    this.around.fenced(reason)
  }
}
