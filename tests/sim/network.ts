/**
 * Sessions between hosts: messages in order, whole, each at most once, late, or never. A cut of one way keeps what is
 * sent, as TCP does, until it is mended or the session is given up. What breaks is noticed by each end at its own time.
 */
import type { SeededRandom } from '../support/random.ts'
import type { Scheduler, SimulatedProcess } from './scheduler.ts'

/** Of hosts that are fine, one way. */
const DELAY_MS = [0.1, 1] as const

/** Until an end knows that the other one is gone: at once where the kernel says so, otherwise by silence. */
const NOTICED_MS = [0.5, 5] as const
const SILENT_MS = [500, 6000] as const

export interface End<Out> {
  /** Its number at this end; ends of other sessions of this process have other ones. */
  readonly session: number
  send(message: Out): void
  close(): void
}

export interface Hears<In> {
  received(message: In): void
  /** The session is over; nothing comes after this. Not called where this end closed it. */
  closed(): void
}

/** One end of a session, with what is on its way to it. */
interface Side {
  readonly process: SimulatedProcess
  readonly host: string
  hears: Hears<never> | undefined
  isClosed: boolean
  /** When the last of what is on its way arrives. */
  arrivesAt: number
}

interface Session {
  readonly a: Side
  readonly b: Side
  isBroken: boolean
}

export class SimulatedNetwork {
  /** Messages that were delivered, for the sums. */
  delivered = 0
  private readonly scheduler: Scheduler
  private readonly random: SeededRandom
  private numbers = 0
  /** `from>to`, with how often it is cut, and what waits there. */
  private readonly cuts = new Map<string, { times: number; readonly held: (() => void)[] }>()
  private readonly slow = new Map<string, number>()
  private sessions: Session[] = []

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.scheduler = scheduler
    this.random = random
  }

  /**
   * A session between two processes, which exists for both from here on: whoever asked heard so after a round trip. None
   * where a way is cut.
   */
  open<AOut, BOut>(
    a: { process: SimulatedProcess; host: string },
    b: { process: SimulatedProcess; host: string },
  ): { a: End<AOut>; b: End<BOut>; hear(atA: Hears<BOut>, atB: Hears<AOut>): void } | undefined {
    if (this.isCut(a.host, b.host) || this.isCut(b.host, a.host) || !b.process.alive) return undefined
    const session: Session = { a: newSide(a), b: newSide(b), isBroken: false }
    this.sessions.push(session)
    return {
      a: this.end(session, session.a, session.b),
      b: this.end(session, session.b, session.a),
      hear(atA, atB) {
        session.a.hears = atA
        session.b.hears = atB
      },
    }
  }

  isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>${to}`)
  }

  cut(from: string, to: string): void {
    const cut = this.cuts.get(`${from}>${to}`)
    if (cut) cut.times++
    else this.cuts.set(`${from}>${to}`, { times: 1, held: [] })
  }

  /** Takes one cut back. What waited arrives now if it was the last, and its session is still there. */
  uncut(from: string, to: string): void {
    const cut = this.cuts.get(`${from}>${to}`)
    if (!cut || --cut.times > 0) return
    this.cuts.delete(`${from}>${to}`)
    for (const send of cut.held) send()
  }

  delay(from: string, to: string, byMs: number): void {
    this.slow.set(`${from}>${to}`, byMs)
  }

  /** All ways are open again. */
  mend(): void {
    const held = [...this.cuts.values()].flatMap((cut) => cut.held)
    this.cuts.clear()
    this.slow.clear()
    for (const send of held) send()
  }

  /** Breaks one session of a host's: of what is on its way, some may still come, even after the next session is open. */
  breakOne(host: string): boolean {
    const mine = this.sessions.filter((one) => !one.isBroken && (one.a.host === host || one.b.host === host))
    if (mine.length === 0) return false
    this.break(this.random.pick(mine), this.random.chance(0.5))
    return true
  }

  /** The process has ended. `silently`: its machine too, so that nobody says so to the others. */
  ended(process: SimulatedProcess, silently: boolean): void {
    for (const session of this.sessions) {
      if (session.a.process === process || session.b.process === process) this.break(session, silently)
    }
    this.sessions = this.sessions.filter((one) => !one.isBroken)
  }

  private break(session: Session, silently: boolean): void {
    if (session.isBroken) return
    session.isBroken = true
    for (const side of [session.a, session.b]) {
      const [from, to] = silently ? SILENT_MS : NOTICED_MS
      // What was in the kernel's buffers on this side is still read, unless the connection was reset.
      if (this.random.chance(0.4)) side.arrivesAt = -1
      const noticed = from + this.random.fraction() * (to - from)
      this.scheduler.after(noticed, () => side.process.run(() => this.over(side)))
    }
  }

  private over(side: Side): void {
    if (side.isClosed) return
    side.isClosed = true
    ;(side.hears as Hears<unknown> | undefined)?.closed()
  }

  private end<Out>(session: Session, mine: Side, theirs: Side): End<Out> {
    return {
      session: ++this.numbers,
      send: (message) => this.send({ session, from: mine, to: theirs }, message),
      close: () => this.close({ session, from: mine, to: theirs }),
    }
  }

  private send(way: Way, message: unknown): void {
    if (way.from.isClosed) return
    this.carry(way, () => {
      this.delivered++
      ;(way.to.hears as Hears<unknown> | undefined)?.received(message)
    })
  }

  private slowness(from: Side, to: Side): number {
    return this.slow.size > 0 ? (this.slow.get(`${from.host}>${to.host}`) ?? 0) : 0
  }

  private close(way: Way): void {
    if (way.from.isClosed) return
    way.from.isClosed = true
    // What this end sent before is read at the other one; what the other one sends is not read any more.
    this.carry(way, () => this.over(way.to))
    this.sessions = this.sessions.filter((one) => one !== way.session)
  }

  private carry(way: Way, arrive: () => void): void {
    const { session, from, to } = way
    if (session.isBroken) return
    const cut = this.cuts.size > 0 ? this.cuts.get(`${from.host}>${to.host}`) : undefined
    if (cut) {
      cut.held.push(() => this.carry(way, arrive))
      return
    }
    const delay = DELAY_MS[0] + this.random.fraction() * (DELAY_MS[1] - DELAY_MS[0])
    const { now } = this.scheduler
    const at = Math.max(to.arrivesAt, now + delay + this.slowness(from, to))
    to.arrivesAt = at
    this.scheduler.after(at - now, () => {
      // A reset throws away what the kernel has; a side that closed reads no more.
      if (to.isClosed || to.arrivesAt < 0) return
      to.process.run(() => {
        if (!to.isClosed) arrive()
      })
    })
  }
}

interface Way {
  readonly session: Session
  readonly from: Side
  readonly to: Side
}

const newSide = ({ process, host }: { process: SimulatedProcess; host: string }): Side => ({
  process,
  host,
  hears: undefined,
  isClosed: false,
  arrivesAt: 0,
})
