/** Whoever follows a member of the log: a reader, and the instance that becomes the writer. It takes what it is given. */
import type { EpochStart, History, MemberId } from '#wire/quorum/messages.ts'
import type { SeededRandom } from '../support/random.ts'
import type { Fed, Follow, Seat } from './log-node.ts'
import type { End, SimulatedNetwork } from './network.ts'
import type { SimulatedProcess } from './scheduler.ts'

const AGAIN_MS = [100, 500] as const

export interface ReaderSurroundings {
  readonly network: SimulatedNetwork
  readonly random: SeededRandom
  /** Members that may be followed now. */
  members(): readonly MemberId[]
  find(member: MemberId): Seat | undefined
}

/** What a reader had at some time: an image of it. */
export type Past = Pick<Reader, 'log' | 'history'>

/** Where the log of every volume here begins: not at zero, so that nothing takes it for granted. */
export const START = 64

export class Reader {
  readonly name: string
  /** By position: what is before the volume's start are zeros. */
  log: Buffer = Buffer.alloc(START)
  history: EpochStart[] = []
  private readonly process: SimulatedProcess
  private readonly host: string
  private readonly around: ReaderSurroundings
  private readonly hears: { advanced(): void; diverged(): void }
  private end: End<Follow> | undefined
  private isOver = false

  constructor(
    around: ReaderSurroundings,
    at: { name: string; host: string; process: SimulatedProcess },
    hears: { advanced(): void; diverged(): void },
  ) {
    this.around = around
    this.name = at.name
    this.host = at.host
    this.process = at.process
    this.hears = hears
  }

  /** Begins with what another reader has, or had. */
  startFrom(other: Past): void {
    this.log = other.log
    this.history = [...other.history]
  }

  follow(): void {
    if (this.isOver) return
    const { around } = this
    const seat = around.find(around.random.pick(around.members()))
    const ways =
      seat?.member &&
      seat.node.process &&
      around.network.open<Follow, Fed>(
        { process: this.process, host: this.host },
        { process: seat.node.process, host: seat.id },
      )
    if (!seat || !ways) return this.again()
    this.end = ways.a
    const asked: Follow = { reader: this.name, history: this.history as History, position: this.log.length }
    ways.hear(
      {
        received: (fed) => this.take(ways.a, fed),
        closed: () => {
          if (this.end === ways.a) this.again()
        },
      },
      seat.follow(ways.b, asked),
    )
  }

  /** Goes over to another member, as one that lost its connection would. */
  wander(): void {
    this.end?.close()
    this.end = undefined
    this.follow()
  }

  stop(): void {
    this.isOver = true
    this.end?.close()
    this.end = undefined
  }

  private take(end: End<Follow>, fed: Fed): void {
    if (this.isOver || this.end !== end) return
    if (fed.type === 'diverged') return this.hears.diverged()
    if (fed.position !== this.log.length) throw new Error(`a reader at ${this.log.length} was fed ${fed.position}`)
    if (this.history.at(-1)?.epoch !== fed.epoch) this.history.push({ epoch: fed.epoch, start: fed.position })
    this.log = Buffer.concat([this.log, fed.bytes])
    this.hears.advanced()
  }

  private again(): void {
    const [from, to] = AGAIN_MS
    this.process.after(from + this.around.random.fraction() * (to - from), () => this.follow())
  }
}
