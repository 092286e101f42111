/** The processes of one epoch on one host: the head, and the instance that follows, is promoted, and writes. */
import { Head } from '#volume/head.ts'
import type { RecoveredLog, Rules } from '#volume/ports.ts'
import { membersOf } from '#volume/quorum.ts'
import type { Configuration, HeadMessage, MemberId, MemberMessage } from '#wire/quorum/messages.ts'
import type { End } from './network.ts'
import { SimulatedProcess } from './scheduler.ts'
import type { InstanceSurroundings } from './writer.ts'
import { Writer } from './writer.ts'

/** Until a head tries again to reach a member. */
const AGAIN_MS = [60, 300] as const

export interface WriterSurroundings extends InstanceSurroundings {
  readonly rules: Rules
  /** The log is recovered, and the writer about to be promoted. */
  recovered(writer: WriterHost): void
  configured(epoch: number, generation: number): void
}

export class WriterHost {
  readonly epoch: number
  readonly host: string
  readonly writer: Writer
  head: Head | undefined
  headProcess: SimulatedProcess | undefined
  private readonly around: WriterSurroundings
  private configuration: Configuration
  private readonly ends = new Map<MemberId, End<HeadMessage>>()
  private streamedTo = 0
  private isFlowing = true
  private starts = 0

  constructor(around: WriterSurroundings, at: { epoch: number; host: string; configuration: Configuration }) {
    this.around = around
    this.epoch = at.epoch
    this.host = at.host
    this.configuration = at.configuration
    this.writer = new Writer(around, { epoch: at.epoch, host: at.host, wrote: () => this.stream() })
    this.startHead()
  }

  get isAlive(): boolean {
    return this.writer.process.alive
  }

  startHead(): void {
    if (this.headProcess || !this.isAlive) return
    const { scheduler, broken, rules } = this.around
    const process = new SimulatedProcess(`head ${this.epoch}.${this.starts++}`, scheduler, broken)
    this.headProcess = process
    process.run(() => {
      const { start } = this.writer
      const options = { epoch: this.epoch, configuration: this.configuration, rules }
      const head = new Head(
        this.surroundings(process),
        start === undefined ? options : { ...options, writerStart: start },
      )
      this.head = head
      for (const member of membersOf(this.configuration)) this.connect(process, member)
    })
  }

  /** `power`: nobody says to the others that it is gone. */
  endHead(how: 'kill' | 'power'): void {
    const { headProcess } = this
    if (!headProcess) return
    const wasOpen = this.head?.phase === 'open'
    headProcess.end()
    this.headProcess = undefined
    this.head = undefined
    this.ends.clear()
    this.around.network.ended(headProcess, how === 'power')
    // One that follows has what an election gave that nobody knows of any more. One that serves may not do so for ever
    // on what is left of leases.
    if (!this.writer.isPromoted || !wasOpen) this.writer.end(how)
  }

  end(how: 'kill' | 'power'): void {
    this.writer.end(how)
    this.endHead(how)
  }

  reconfigure(configuration: Configuration): void {
    this.headProcess?.run(() => {
      if (configuration.generation < this.configuration.generation) return
      const before = membersOf(this.configuration)
      const members = membersOf(configuration)
      this.configuration = configuration
      this.head?.reconfigure(configuration)
      for (const member of before) {
        if (members.includes(member)) continue
        this.ends.get(member)?.close()
        this.ends.delete(member)
      }
      for (const member of members) if (!before.includes(member)) this.connect(this.headProcess!, member)
    })
  }

  private surroundings(process: SimulatedProcess): ConstructorParameters<typeof Head>[0] {
    const { around, epoch } = this
    return {
      clock: process.clock,
      send: (members, message) => {
        for (const member of members) this.ends.get(member)?.send(message)
      },
      recovered: (log) => this.recovered(log),
      durable: (position) => {
        around.history.add({ type: 'durable', at: around.scheduler.now, epoch, head: process.name, position })
        this.writer.acknowledged(position)
      },
      opened: () => {
        around.history.add({ type: 'opened', at: around.scheduler.now, epoch })
        this.writer.opened()
      },
      configured: (generation) => around.configured(epoch, generation),
      fenced: () => this.end('kill'),
      flow: (isOpen) => {
        this.isFlowing = isOpen
        if (isOpen) this.stream()
      },
    }
  }

  private recovered(log: RecoveredLog): void {
    const { head, headProcess } = this
    if (this.writer.isPromoted) return this.attach(this.writer.start!)
    head!.release(this.writer.name)
    this.around.recovered(this)
    this.writer.promoteAt(log, (start) => headProcess!.run(() => this.attach(start)))
  }

  /** The writer's log of this epoch begins there: the head has it from here on. */
  private attach(start: number): void {
    this.streamedTo = this.head!.epochStarts(start)
    this.isFlowing = true
    this.stream()
  }

  /** Hands on what the writer has written, in pieces that end anywhere. */
  private stream(): void {
    const { writer, headProcess } = this
    headProcess?.run(() => {
      if (this.head === undefined || (this.head.phase !== 'leading' && this.head.phase !== 'open')) return
      while (this.isFlowing && this.streamedTo < writer.log.length && writer.process.alive) {
        const left = writer.log.length - this.streamedTo
        const count = this.around.random.chance(0.2) ? this.around.random.between(1, left) : left
        const position = this.streamedTo
        this.streamedTo += count
        // The writer never changes what it has written.
        const bytes = writer.log.subarray(position, position + count)
        this.head.append(position, bytes, writer.boundaryBefore(position + count))
      }
    })
  }

  private connect(process: SimulatedProcess, member: MemberId): void {
    const { random, network, find } = this.around
    if (this.headProcess !== process || !membersOf(this.configuration).includes(member)) return
    const again = (): void => {
      const [from, to] = AGAIN_MS
      process.after(from + random.fraction() * (to - from), () => this.connect(process, member))
    }
    const seat = find(member)
    if (!seat?.member || !seat.node.process) return again()
    const ways = network.open<HeadMessage, MemberMessage>(
      { process, host: this.host },
      { process: seat.node.process, host: seat.id },
    )
    if (!ways) return again()
    ways.hear(
      {
        received: (message) => {
          if (this.ends.get(member) === ways.a) this.head?.received(member, message)
        },
        closed: () => {
          if (this.ends.get(member) !== ways.a) return
          this.ends.delete(member)
          this.head?.disconnected(member)
          again()
        },
      },
      seat.accept(ways.b),
    )
    this.ends.set(member, ways.a)
    this.head?.connected(member)
  }
}
