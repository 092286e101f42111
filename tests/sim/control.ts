/**
 * The coordinators: whoever takes epochs and changes members, by compare-and-set of the volume's row, with answers that
 * are late or lost. Any number of them may be at it at once; none knows what the others do but by the row.
 */

import type { Configuration, MemberId } from '#wire/quorum/messages.ts'
import type { SeededRandom } from '../support/random.ts'
import type { Scheduler } from './scheduler.ts'

export interface Row {
  readonly version: number
  readonly epoch: number
  readonly configuration: Configuration
}

const ANSWER_MS = [0.5, 6] as const
const OUTAGE_MS = [200, 3_000] as const

/** Who looks after the writer, looks this often. */
const LOOK_MS = 250

export interface Deployment {
  /** A process for the head and the writer of an epoch is to come up somewhere. */
  startWriter(epoch: number, configuration: Configuration): void
  /** Whether the writer of this epoch lives, as far as can be seen from here. */
  isWriterAlive(epoch: number): boolean
  tellHead(epoch: number, configuration: Configuration): void
  /** Members that will not come back, of those asked about. */
  lost(members: readonly MemberId[]): MemberId[]
  /** A new, empty member in the place of another. */
  createMember(inPlaceOf: MemberId): MemberId
  removeMember(member: MemberId): void
  /** A change of members is complete. */
  changed(): void
  taken(epoch: number): void
}

export class Control {
  row: Row
  /** Answers of the store get lost, or are late by seconds. */
  isStoreDown = false
  private readonly scheduler: Scheduler
  private readonly random: SeededRandom
  private readonly deployment: Deployment
  private takingSince: number | undefined

  constructor(scheduler: Scheduler, random: SeededRandom, start: { deployment: Deployment; members: MemberId[] }) {
    this.scheduler = scheduler
    this.random = random
    this.deployment = start.deployment
    this.row = { version: 1, epoch: 1, configuration: { generation: 1, members: start.members } }
  }

  /** Looks after the writer and the members for ever. */
  watch(): void {
    const { row } = this
    if (!this.deployment.isWriterAlive(row.epoch) && this.takingSince === undefined) this.takeEpoch()
    if (this.takingSince !== undefined && this.scheduler.now - this.takingSince > 5_000) this.takingSince = undefined
    this.scheduler.after(LOOK_MS * (0.5 + this.random.fraction()), () => this.watch())
    this.replaceLost()
  }

  /** Begins an epoch, whether one is needed or not. */
  takeEpoch(): void {
    this.takingSince = this.scheduler.now
    this.ask(() => {
      const read = this.row
      this.ask(() => {
        // The store decides; whether this coordinator hears of it is another thing.
        if (!this.swap(read, { epoch: read.epoch + 1 })) return
        this.deployment.taken(this.row.epoch)
        const { epoch, configuration } = this.row
        this.ask(() => {
          this.takingSince = undefined
          this.deployment.startWriter(epoch, configuration)
        })
      })
    })
  }

  /** Puts a new member into the place of this one, if nobody is at something such. */
  replace(member: MemberId): void {
    this.ask(() => {
      const read = this.row
      const { configuration } = read
      if (configuration.joint || !configuration.members.includes(member)) return
      const fresh = this.deployment.createMember(member)
      const joint = configuration.members.map((one) => (one === member ? fresh : one))
      this.ask(() => {
        const next = { generation: configuration.generation + 1, members: configuration.members, joint }
        if (this.swap(read, { configuration: next })) this.tell()
        else this.deployment.removeMember(fresh)
      })
    })
  }

  /** Gives a change of members up. */
  goBack(): void {
    this.ask(() => {
      const read = this.row
      const { configuration } = read
      if (!configuration.joint) return
      this.ask(() => {
        const next = { generation: configuration.generation + 1, members: configuration.members }
        if (!this.swap(read, { configuration: next })) return
        for (const one of configuration.joint!) if (!next.members.includes(one)) this.deployment.removeMember(one)
        this.tell()
      })
    })
  }

  /** A head says that this configuration is in force. */
  configured(epoch: number, generation: number): void {
    this.ask(() => {
      const read = this.row
      const { configuration } = read
      if (read.epoch !== epoch || configuration.generation !== generation || !configuration.joint) return
      this.ask(() => {
        const next = { generation: generation + 1, members: configuration.joint! }
        if (!this.swap(read, { configuration: next })) return
        this.deployment.changed()
        for (const one of configuration.members) if (!next.members.includes(one)) this.deployment.removeMember(one)
        this.tell()
      })
    })
  }

  private replaceLost(): void {
    const [lost] = this.deployment.lost(this.row.configuration.members)
    if (lost !== undefined && !this.row.configuration.joint && this.random.chance(0.3)) this.replace(lost)
    // One that was to come in is lost before it did.
    const [other] = this.deployment.lost(this.row.configuration.joint ?? [])
    if (other !== undefined && !this.row.configuration.members.includes(other) && this.random.chance(0.3)) this.goBack()
    // Word of a change may not have reached the head.
    if (this.random.chance(0.3)) this.tell()
  }

  private tell(): void {
    const { epoch, configuration } = this.row
    this.ask(() => this.deployment.tellHead(epoch, configuration))
  }

  private swap(read: Row, next: Partial<Row>): boolean {
    if (this.row.version !== read.version) return false
    this.row = { ...read, ...next, version: read.version + 1 }
    return true
  }

  private ask(then: () => void): void {
    if (this.isStoreDown && this.random.chance(0.4)) return
    const [from, to] = this.isStoreDown ? OUTAGE_MS : ANSWER_MS
    this.scheduler.after(from + this.random.fraction() * (to - from), then)
  }
}
