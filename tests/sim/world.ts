/** One volume with everybody that has to do with it, on virtual time, from one seed. */
import type { Member } from '#volume/member.ts'
import { membersOf } from '#volume/quorum.ts'
import { RULES, type MemberSurroundings, type Rules } from '#volume/ports.ts'
import type { Configuration, MemberId } from '#wire/quorum/messages.ts'
import { SeededRandom } from '../support/random.ts'
import { Control, type Deployment } from './control.ts'
import { History, type Copy, type FinalState } from './history.ts'
import { LogNode, type NodeSurroundings, type Seat } from './log-node.ts'
import { SimulatedNetwork } from './network.ts'
import { Reader, START, type Past } from './reader.ts'
import { encodeRecord } from './records.ts'
import { Scheduler, SimulatedProcess } from './scheduler.ts'
import { WriterHost, type WriterSurroundings } from './writer-host.ts'

export const HOSTS = ['a', 'b', 'c'] as const
const READERS = 3
const READ_BYTES = 64 * 1024

/** A mistake that is made on purpose, to see that it is found. */
export interface Mistakes {
  readonly rules?: Partial<Rules>
  readonly feedsTooMuch?: boolean
  /** Nobody asks what members lack. */
  readonly prunesBlindly?: boolean
  around?(surroundings: MemberSurroundings): MemberSurroundings
}

export class World implements Deployment {
  readonly scheduler = new Scheduler()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork
  readonly history = new History()
  readonly control: Control
  readonly nodes: LogNode[]
  readonly writers = new Map<number, WriterHost>()
  readonly readers: Reader[] = []
  /** What instances begin with that are made anew. No log before its end is needed by them. */
  image: Past = { log: Buffer.alloc(START), history: [] }
  /** Whatever was to be let go of is before it. */
  private prunedTo = START
  /** Members whose disks will turn out to have lost something. */
  readonly doomed = new Set<MemberId>()
  /** How often what happened, by word. */
  readonly counts = new Map<string, number>()
  /** What is said while it runs, for whoever looks at one seed. */
  readonly trace: ((line: string) => void) | undefined
  private readonly mistakes: Mistakes
  /** Clients want nothing more. */
  isCalm = false
  isBroken = false
  /** How long the next writer has after its log was recovered; undefined: for ever. */
  lifeMs: number | undefined
  private members = 0

  constructor(seed: number, options: { mistakes?: Mistakes; trace?: (line: string) => void } = {}) {
    this.random = new SeededRandom(seed)
    this.mistakes = options.mistakes ?? {}
    this.trace = options.trace
    this.network = new SimulatedNetwork(this.scheduler, this.random.fork())
    const around = this.nodeSurroundings()
    this.nodes = HOSTS.map((host) => new LogNode(host, around))
    const members = this.nodes.flatMap((node) => [this.createOn(node, true), this.createOn(node, true)])
    this.control = new Control(this.scheduler, this.random.fork(), { deployment: this, members })
    for (let at = 0; at < READERS; at++) this.addReader(at)
    this.control.watch()
  }

  say(what: string, detail = ''): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
    this.trace?.(`${this.scheduler.now.toFixed(1).padStart(8)}  ${what} ${detail}`)
  }

  get seats(): Seat[] {
    return this.nodes.flatMap((node) => [...node.seats.values()])
  }

  /** Members of each set that is in force which do not come back, or will turn out not to: the greater number. */
  get losses(): number {
    const { members, joint } = this.control.row.configuration
    const isGone = (id: MemberId): boolean => this.doomed.has(id) || this.find(id)?.isLost !== false
    return Math.max(...[members, joint ?? []].map((set) => set.filter(isGone).length))
  }

  find(member: MemberId): Seat | undefined {
    for (const node of this.nodes) {
      const seat = node.seats.get(member)
      if (seat) return seat
    }
    return undefined
  }

  taken(epoch: number): void {
    this.history.add({ type: 'taken', at: this.scheduler.now, epoch })
    this.say('epoch', String(epoch))
  }

  startWriter(epoch: number, configuration: Configuration): void {
    const host = this.random.pick(HOSTS)
    this.say('start writer', `${epoch} on ${host}, members ${JSON.stringify(configuration)}`)
    this.writers.set(epoch, new WriterHost(this.writerSurroundings(), { epoch, host, configuration }))
  }

  isWriterAlive(epoch: number): boolean {
    return this.writers.get(epoch)?.isAlive ?? false
  }

  tellHead(epoch: number, configuration: Configuration): void {
    this.writers.get(epoch)?.reconfigure(configuration)
  }

  lost(members: readonly MemberId[]): MemberId[] {
    return members.filter((id) => this.find(id)?.isLost !== false)
  }

  createMember(inPlaceOf: MemberId): MemberId {
    const node = this.nodes.find(({ host }) => inPlaceOf.startsWith(host))!
    const id = this.createOn(node, false)
    this.say('new member', `${id} for ${inPlaceOf}`)
    return id
  }

  changed(): void {
    this.say('changed members')
  }

  /** Whoever has the log lets go of what nobody needs any more. False: nobody may now. */
  prune(random: SeededRandom): boolean {
    const { log, history } = random.pick(this.readers)
    this.image = { log, history: [...history] }
    const living = this.seats.filter((seat) => !seat.isLost)
    // One that cannot be asked now may need all that there is.
    const isBlind = this.mistakes.prunesBlindly === true
    if (!isBlind && living.some(({ member }) => !member)) return false
    // What it has beyond the durable point that it knows it may have to cut.
    const safe = (member: Member | undefined): number =>
      member && !isBlind ? Math.min(member.end, member.durable) : Infinity
    const following = [...this.writers.values()].filter((one) => one.isAlive && !one.writer.isPromoted)
    const ends = [...this.readers, ...following.map(({ writer }) => writer)].map((one) => one.log.length)
    const needed = [...living.map(({ member }) => safe(member)), ...ends]
    const before = random.chance(0.5) ? Math.min(...needed) : random.between(START, Math.min(...needed))
    this.prunedTo = Math.max(this.prunedTo, before)
    for (const { member } of living) if (random.chance(0.9)) member?.prune(before)
    return true
  }

  removeMember(member: MemberId): void {
    const seat = this.find(member)
    if (!seat) return
    this.say('remove member', member)
    seat.leave()
    seat.node.seats.delete(member)
    this.doomed.delete(member)
  }

  broken(process: SimulatedProcess, error: Error): void {
    this.say('broken', `${process.name}: ${error.stack ?? error.message}`)
    this.history.add({ type: 'broken', at: this.scheduler.now, process: process.name, error })
    process.end()
    this.isBroken = true
  }

  /** The writer of the row's epoch, where clients may use it. */
  get openWriter(): WriterHost | undefined {
    const writer = this.writers.get(this.control.row.epoch)
    return writer?.isAlive && writer.writer.isOpen ? writer : undefined
  }

  /** There is a writer, and no member is missing or being replaced. */
  get isWhole(): boolean {
    const { configuration } = this.control.row
    return this.openWriter !== undefined && !configuration.joint && this.lost(configuration.members).length === 0
  }

  /** All that the last writer wrote is durable, and everybody has it. */
  get isSettled(): boolean {
    const writer = this.openWriter?.writer
    if (!writer || !this.isWhole || writer.durableTo < writer.log.length) return false
    const { length } = writer.log
    const seats = this.control.row.configuration.members.map((id) => this.find(id))
    return seats.every((seat) => seat?.member?.end === length) && this.readers.every(({ log }) => log.length === length)
  }

  /** All copies can be read from their beginning to their end. A member that finds damage in it is lost. */
  get isReadable(): boolean {
    return this.control.row.configuration.members.every((id) => this.copyOf(id).log !== undefined)
  }

  /** What is left, as the checkers want it. */
  finalState(): FinalState {
    const open = this.openWriter
    const { writer } = open ?? {}
    return {
      start: START,
      writer: writer && { epoch: open!.epoch, log: writer.log, durable: writer.durableTo },
      copies: this.control.row.configuration.members.map((id) => this.copyOf(id)),
      readers: this.readers.map(({ name, log }) => ({ name, log })),
    }
  }

  copyOf(id: MemberId): Copy {
    const member = this.find(id)?.member
    if (!member) return { member: id, end: 0, first: START, log: undefined }
    const { first, end } = member
    const pieces: Buffer[] = []
    for (let at = first; at < end;) {
      const found = member.read(at, READ_BYTES)
      if (!found || found.bytes.length === 0) return { member: id, end, first, log: undefined }
      pieces.push(found.bytes)
      at += found.bytes.length
    }
    return { member: id, end, first, log: Buffer.concat(pieces) }
  }

  private createOn(node: LogNode, isFirst: boolean): MemberId {
    const id = `${node.host}${++this.members}`
    const bytes = isFirst ? encodeRecord(1, 0, 100) : Buffer.alloc(0)
    // One that comes later begins where all others still have the log, also those that cannot be asked now.
    const start = isFirst ? START : this.prunedTo
    node.create({ id, volume: 7, history: isFirst ? [{ epoch: 1, start: START }] : [], start, bytes })
    return id
  }

  private addReader(at: number): void {
    const name = `reader ${at}`
    const process = new SimulatedProcess(name, this.scheduler, (one, error) => this.broken(one, error))
    const reader: Reader = new Reader(
      this.writerSurroundings(),
      { name, host: HOSTS[at % HOSTS.length]!, process },
      {
        advanced: () => {},
        diverged: () => {
          this.history.add({ type: 'diverged', at: this.scheduler.now, reader: name, end: reader.log.length })
          reader.stop()
        },
      },
    )
    this.readers.push(reader)
    process.run(() => reader.follow())
  }

  private writerSurroundings(): WriterSurroundings {
    return {
      scheduler: this.scheduler,
      network: this.network,
      random: this.random.fork(),
      history: this.history,
      rules: { ...RULES, ...this.mistakes.rules },
      members: () => this.control.row.configuration.members,
      find: (member) => this.find(member),
      broken: (process, error) => this.broken(process, error),
      recovered: (writer) => {
        const { lifeMs } = this
        this.lifeMs = undefined
        if (lifeMs !== undefined) this.scheduler.after(lifeMs, () => writer.end('kill'))
      },
      configured: (epoch, generation) => this.control.configured(epoch, generation),
      isCalm: () => this.isCalm,
      beginning: () => (this.random.chance(0.5) ? this.random.pick(this.readers) : this.image),
    }
  }

  private nodeSurroundings(): NodeSurroundings {
    const { mistakes } = this
    return {
      scheduler: this.scheduler,
      network: this.network,
      random: this.random.fork(),
      find: (member) => this.find(member),
      peers: () => membersOf(this.control.row.configuration),
      mended: (member) => {
        this.doomed.delete(member)
        this.say('mended member', member)
      },
      feedsTooMuch: mistakes.feedsTooMuch ?? false,
      around: (surroundings) => mistakes.around?.(surroundings) ?? surroundings,
      broken: (process, error) => this.broken(process, error),
      lost: (member, reason) => this.say('lost member', `${member}: ${reason}`),
    }
  }
}
