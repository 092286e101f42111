/**
 * The head of a volume in one epoch: asks the members what they have, chooses the log that goes on, brings it to enough of
 * them, and from then on has whatever the writer writes on four of six before it is acknowledged. Phases and rules:
 * docs/protocol/quorum-log.md. Decides from messages and a clock; has neither socket nor file.
 */
import { assert } from '#base/assert.ts'
import type { Adopted, Configuration, Epoch, History, MemberId } from '#wire/quorum/messages.ts'
import type { MemberMessage, Position, Sealed } from '#wire/quorum/messages.ts'
import { chooseLog, historyOfWriter } from './choose-log.ts'
import { Fanout } from './fanout.ts'
import { HeadVoice } from './head-voice.ts'
import { commonEnd } from './history.ts'
import { Lease } from './lease.ts'
import { LEASE_MS, RETURN_MS } from './limits.ts'
import { DIVERGED, RULES, type HeadOptions, type HeadPhase, type HeadSurroundings, type Rules } from './ports.ts'
import { Sealing, watchRecovery } from './sealing.ts'
import { MemberViews, restAfterGap, type MemberView } from './member-view.ts'

export class Head {
  readonly epoch: Epoch
  private readonly around: HeadSurroundings
  private readonly voice: HeadVoice
  private reader: string | undefined
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
  /** Of a configuration that is not in force yet: everything before this has to be where it asks for it. */
  private configuring: Position | undefined

  constructor(around: HeadSurroundings, options: HeadOptions) {
    this.around = around
    this.epoch = options.epoch
    this.voice = new HeadVoice(around, options.epoch)
    this.rules = options.rules ?? RULES
    this.options = options
    this.views = new MemberViews(options.configuration)
    this.sealing = new Sealing(around.clock, this.views, { count: this.rules.seal, done: () => this.choose() })
    // A change of members that another epoch began is this one's to end.
    if (options.configuration.joint) this.configuring = 0
    this.lease = new Lease(around.clock, options.leaseMs ?? LEASE_MS, {
      ask: (sequence) => this.voice.ping(this.views.ids, sequence),
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
    this.voice.greet(member, this.lease.asking)
  }

  disconnected(member: MemberId): void {
    this.views.lost(member)
    this.progress()
  }

  received(member: MemberId, message: MemberMessage): void {
    const view = this.views.get(member)
    if (!view || this.phaseNow === 'fenced') return
    const isRefused = message.type === 'refused'
    if (isRefused && message.promised > this.epoch) return this.fence(`epoch ${message.promised} has begun`)
    if (isRefused || message.epoch !== this.epoch) return
    switch (message.type) {
      case 'sealed':
        return this.sealed(view, message)
      case 'adopted':
        return this.adopted(view, message)
      case 'flushed':
        return this.reached(view, message.end)
      case 'gap':
        return restAfterGap(view, message.end, { clock: this.around.clock, over: () => this.progress() })
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
    this.fanout = this.newFanout(Math.min(from, end))
    this.phaseNow = 'leading'
    if (this.options.writerStart === undefined) this.lease.begin()
    this.adoptAnew(-1)
    this.fanout.pad(from)
    if (this.durablePoint > start) this.open()
    return from
  }

  /**
   * Of a head without a writer: its log is to be a copy of another volume's, of which this is the history, as far as it is
   * durable there. Again when that has become longer. Gives from where that log has to be read, the end of a record;
   * undefined: what is durable here is not in it, and the head is fenced.
   */
  follow(history: History): Position | undefined {
    const common = commonEnd(this.history, Math.max(this.recoveredEnd, this.fanout?.end ?? 0), history)
    if (common === undefined || common < this.durablePoint) return this.fence(DIVERGED)
    this.history = history
    this.adoptAnew(common)
    if (this.fanout && this.fanout.end <= common) return this.fanout.end
    // What comes is durable where it comes from: no later epoch is without it, and it counts as soon as it is here.
    this.start = 0
    this.fanout = this.newFanout(this.durablePoint)
    if (this.phaseNow !== 'open') this.lease.begin()
    this.open()
    return this.durablePoint
  }

  /** The next bytes of the writer's log. `boundary`: where the last record ends that is whole before their end. */
  append(position: Position, bytes: Buffer, boundary: Position): void {
    if (this.phaseNow === 'fenced') return
    assert(this.fanout, 'the writer has started')
    this.fanout.append(position, bytes, boundary)
    this.advanceDurable(this.fanout)
    this.fanout.trim(this.views.quorumEnd(this.rules.write))
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
    this.fanout?.stop()
  }

  private tellRelease(members: readonly MemberId[]): void {
    this.voice.release(members, { reader: this.reader, position: this.recoveredEnd })
  }

  private newFanout(start: Position): Fanout {
    this.fanout?.stop()
    const { epoch, views, rules } = this
    return new Fanout(this.around, { epoch, start, write: rules.write, views, durable: () => this.durablePoint })
  }

  /** All are told what the log is from now on. What they are known to have of it is before `common`. */
  private adoptAnew(common: Position): void {
    for (const view of this.views.all) {
      Object.assign(view, { isAdopted: false, acknowledged: Math.min(view.acknowledged, common) })
      if (view.isSealed) this.voice.adopt(view, this.history)
    }
  }

  private sealed(view: MemberView, { history, end, durable, first }: Sealed): void {
    Object.assign(view, { isSealed: true, isAdopted: false, history, end, first, durable, sent: end })
    if (this.phaseNow === 'sealing') this.sealing.look()
    else this.voice.adopt(view, this.history)
  }

  private choose(): void {
    const sealed = this.views.all.filter(({ isSealed }) => isSealed)
    const { end, history, durable } = chooseLog(sealed, this.rules.comparesEpochs)
    ;[this.recoveredEnd, this.history, this.durablePoint] = [end, history, durable]
    // Of a log that has nothing of this epoch, nobody knows whether the writer began upon it.
    const isOurs = this.options.writerStart === undefined || history.at(-1)!.epoch === this.epoch
    if (!isOurs) return this.fence('no log of the writer')
    this.phaseNow = 'recovering'
    for (const view of sealed) this.voice.adopt(view, this.history)
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
    if (this.phaseNow === 'open') this.voice.durable([view.id], this.durablePoint)
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
    this.fanout!.trim(this.durablePoint)
  }

  /** Whatever has become possible. */
  private progress(): void {
    if (this.phaseNow === 'sealing' || this.phaseNow === 'fenced') return
    if (this.phaseNow === 'recovering') this.recoverWhenEnough()
    if (this.fanout) this.advanceDurable(this.fanout)
    for (const view of this.views.all) this.supply(view)
    this.fanout?.trim(this.views.quorumEnd(this.rules.write))
    this.configureWhenThere()
  }

  private recoverWhenEnough(): void {
    if (this.views.quorumEnd(this.rules.write) < this.recoveredEnd) return
    this.phaseNow = 'ready'
    // Must not be done: see docs/protocol/quorum-log.md, 4.
    if (!this.rules.waitsForEpochStart) {
      this.around.durable((this.durablePoint = this.recoveredEnd))
      this.voice.durable(this.views.adopted, this.durablePoint)
    }
    this.around.recovered({ end: this.recoveredEnd, durable: this.durablePoint, history: this.history })
  }

  private advanceDurable(fanout: Fanout): void {
    const boundary = fanout.boundaryBefore(this.views.quorumEnd(this.rules.write))
    if (boundary === undefined || boundary <= this.durablePoint || boundary <= this.start) return
    this.durablePoint = boundary
    fanout.tellDurable()
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
    if (view.end >= until) return fanout?.catchUp(view)
    const repair = this.views.beginRepair(view, until)
    if (repair) this.voice.repair(view, repair)
  }

  private configureWhenThere(): void {
    if (this.configuring === undefined || this.phaseNow !== 'open') return
    if (this.views.quorumEnd(this.rules.write) < this.configuring) return
    this.configuring = undefined
    this.around.configured(this.views.configuration.generation)
  }

  private fence(reason: string): undefined {
    const isOver = this.phaseNow === 'fenced'
    this.stop()
    if (!isOver) this.around.fenced(reason)
  }
}
