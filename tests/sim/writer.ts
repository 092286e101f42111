/**
 * The instance of one epoch: follows as a reader, is promoted at the end of the last whole record, and writes for a few
 * clients, each of which waits for its commit before it asks for the next one. Shows what is durable, and only then.
 */
import type { RecoveredLog } from '#volume/ports.ts'
import type { SeededRandom } from '../support/random.ts'
import type { History } from './history.ts'
import type { Past, ReaderSurroundings } from './reader.ts'
import { Reader, START } from './reader.ts'
import { encodeRecord, recordsOf } from './records.ts'
import type { Scheduler } from './scheduler.ts'
import { SimulatedProcess } from './scheduler.ts'

const CLIENTS = 4
/** Between an acknowledgement and the next commit of a client. */
const THINK_MS = [10, 500] as const
/** Between records that nobody waits for. */
const BACKGROUND_MS = [50, 400] as const
const LOOK_MS = [100, 500] as const

export interface InstanceSurroundings extends ReaderSurroundings {
  readonly scheduler: Scheduler
  readonly random: SeededRandom
  readonly history: History
  broken(process: SimulatedProcess, error: Error): void
  /** Clients want nothing more. */
  isCalm(): boolean
  /** What the instance begins with: a reader that can be made the writer, or an image. */
  beginning(): Past
}

interface Commit {
  readonly end: number
  readonly record: Buffer
}

export class Writer {
  readonly name: string
  readonly process: SimulatedProcess
  /** Where its epoch begins; undefined: it is not promoted. */
  start: number | undefined
  /** Commits that this writer's clients were told of. */
  commits = 0
  isOpen = false
  private readonly epoch: number
  private readonly around: InstanceSurroundings
  private readonly wrote: () => void
  private readonly reader: Reader
  private target: RecoveredLog | undefined
  private promoted: ((start: number) => void) | undefined
  private bytes: Buffer = Buffer.alloc(0)
  private length = 0
  private readonly boundaries: number[] = []
  private readonly waiting: Commit[] = []
  private durable = 0
  private ids = 0

  constructor(around: InstanceSurroundings, at: { epoch: number; host: string; wrote: () => void }) {
    this.around = around
    this.epoch = at.epoch
    this.wrote = at.wrote
    this.name = `writer ${at.epoch}`
    this.process = new SimulatedProcess(this.name, around.scheduler, around.broken)
    this.reader = new Reader(
      around,
      { name: this.name, host: at.host, process: this.process },
      // What it follows is not the log that it was told of: it is of no use, and another one has to be made.
      { advanced: () => this.look(), diverged: () => this.end('kill') },
    )
    this.reader.startFrom(around.beginning())
    this.process.run(() => this.reader.follow())
  }

  get isPromoted(): boolean {
    return this.start !== undefined
  }

  /** By position. */
  get log(): Buffer {
    return this.isPromoted ? this.bytes.subarray(0, this.length) : this.reader.log
  }

  get durableTo(): number {
    return this.durable
  }

  promoteAt(target: RecoveredLog, promoted: (start: number) => void): void {
    this.process.run(() => {
      this.target = target
      this.promoted = promoted
      this.look()
    })
  }

  /** Where the last record ends that is whole before `end`. */
  boundaryBefore(end: number): number {
    return this.boundaries.findLast((one) => one <= end) ?? this.start!
  }

  /** Something of this epoch is durable. */
  opened(): void {
    this.process.run(() => {
      if (this.isOpen) return
      this.isOpen = true
      for (let client = 0; client < CLIENTS; client++) this.think()
      this.show()
    })
  }

  acknowledged(position: number): void {
    this.process.run(() => {
      this.durable = Math.max(this.durable, position)
      while (this.waiting.length > 0 && this.waiting[0]!.end <= position) {
        const { end, record } = this.waiting.shift()!
        this.commits++
        this.around.history.add({ type: 'acknowledged', at: this.around.scheduler.now, epoch: this.epoch, end, record })
        this.think()
      }
    })
  }

  /** One commit more, when clients want no others. */
  writeOnce(): void {
    this.process.run(() => {
      if (this.isOpen) this.write(true)
    })
  }

  end(how: 'kill' | 'power'): void {
    if (!this.process.alive) return
    this.reader.stop()
    this.process.end()
    this.around.network.ended(this.process, how === 'power')
    this.around.history.add({ type: 'ended', at: this.around.scheduler.now, epoch: this.epoch })
  }

  private look(): void {
    const { target, reader } = this
    if (!target || this.isPromoted || reader.log.length < target.end) return
    // One that stood still until a later epoch was shown to it is no writer of this one.
    if (reader.log.length > target.end) return this.end('kill')
    reader.stop()
    const start = recordsOf(reader.log, START).at(-1)?.end ?? START
    this.start = start
    this.length = start
    this.bytes = Buffer.alloc(Math.max(2 * start, 16_384))
    reader.log.copy(this.bytes, 0, 0, start)
    this.around.history.add({
      type: 'promoted',
      at: this.around.scheduler.now,
      epoch: this.epoch,
      start,
      log: Buffer.from(reader.log.subarray(0, start)),
    })
    // As an engine does: the end of its recovery is a record of its own.
    this.process.after(this.around.random.between(0, 20), () => this.write(false))
    this.process.after(this.around.random.between(...BACKGROUND_MS), () => this.work())
    this.promoted!(start)
  }

  /** What an engine writes by itself, whoever waits for a commit. */
  private work(): void {
    const { random } = this.around
    if (!this.around.isCalm())
      this.write(false, random.chance(0.2) ? random.between(1000, 4000) : random.between(0, 100))
    this.process.after(this.around.random.between(...BACKGROUND_MS), () => this.work())
  }

  private think(): void {
    if (this.around.isCalm()) return
    const [from, to] = THINK_MS
    this.process.after(from + this.around.random.fraction() * (to - from), () => this.write(true))
  }

  private write(isCommit: boolean, bytes = this.around.random.between(0, 120)): void {
    const record = encodeRecord(this.epoch, this.ids++, bytes)
    const end = this.length + record.length
    if (end > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length + record.length)])
    record.copy(this.bytes, this.length)
    this.length = end
    this.boundaries.push(end)
    if (isCommit) this.waiting.push({ end, record })
    this.wrote()
  }

  private show(): void {
    this.around.history.add({ type: 'shown', at: this.around.scheduler.now, epoch: this.epoch, end: this.durable })
    const [from, to] = LOOK_MS
    this.process.after(from + this.around.random.fraction() * (to - from), () => this.show())
  }
}
