/**
 * Whether a write quorum still holds to this epoch. A member that answered a ping had promised no other when it did, so what
 * counts is when the ping was sent.
 */
import type { Clock, Timer } from '#host/clock.ts'
import type { MemberId } from '#wire/quorum/messages.ts'

const PINGS_PER_LEASE = 3
/** Answers to older ones are of no use any more. */
const PINGS_KEPT = 2 * PINGS_PER_LEASE

interface LeaseParts {
  ask(sequence: number): void
  /** The latest time at which a write quorum was heard, where each member's last time is this. */
  heard(timeOf: (member: MemberId) => number): number
  lost(): void
}

export class Lease {
  private readonly clock: Clock
  private readonly leaseMs: number
  private readonly parts: LeaseParts
  private readonly times = new Map<MemberId, number>()
  private asked: { readonly sequence: number; readonly at: number }[] = []
  private sequence = 0
  private timer: Timer | undefined
  private begunAt = 0

  constructor(clock: Clock, leaseMs: number, parts: LeaseParts) {
    this.clock = clock
    this.leaseMs = leaseMs
    this.parts = parts
  }

  /** `leftMs`: of the lease, if nobody is heard. */
  begin(leftMs: number = this.leaseMs): void {
    this.begunAt = this.clock.monotonic() - (this.leaseMs - leftMs)
    this.turn()
  }

  /** Of the last ping, for those who were not there to hear it; undefined: there was none. */
  get asking(): number | undefined {
    return this.asked.at(-1)?.sequence
  }

  end(): void {
    this.timer?.cancel()
  }

  heard(member: MemberId, sequence: number): void {
    const asked = this.asked.find((one) => one.sequence === sequence)
    if (asked) this.times.set(member, Math.max(asked.at, this.times.get(member) ?? 0))
  }

  private turn(): void {
    const now = this.clock.monotonic()
    const heardAt = this.parts.heard((member) => Math.max(this.begunAt, this.times.get(member) ?? this.begunAt))
    const leftMs = heardAt + this.leaseMs - now
    if (leftMs <= 0) return this.parts.lost()
    this.sequence++
    this.asked = [...this.asked.slice(1 - PINGS_KEPT), { sequence: this.sequence, at: now }]
    this.timer = this.clock.after(Math.min(leftMs, this.leaseMs / PINGS_PER_LEASE), () => this.turn())
    this.parts.ask(this.sequence)
  }
}
