/** What readers of a volume still need of what its writer may remove: of each log node, and all together. */
import type { Epoch, Horizon, MemberId, MemberMessage } from '#wire/quorum/messages.ts'

/** Nobody needs anything. */
export const NO_HORIZON: Horizon = { xmin: 0n, catalogXmin: 0n }

export const oldest = (horizons: readonly Horizon[]): Horizon => ({
  xmin: least(horizons.map(({ xmin }) => xmin)),
  catalogXmin: least(horizons.map(({ catalogXmin }) => catalogXmin)),
})

const least = (transactions: readonly bigint[]): bigint =>
  transactions.reduce((a, b) => (a === 0n || (b !== 0n && b < a) ? b : a), 0n)

/** At a head: what members say of it with the answers to its pings, as long as they can be spoken to. */
export class Horizons {
  private readonly epoch: Epoch
  private readonly changed: (horizon: Horizon) => void
  private readonly said = new Map<MemberId, Horizon>()
  /** What was said of all of them last. */
  told: Horizon = NO_HORIZON

  /** `changed`: no more often than members answer. Members that answer a head of another epoch are not listened to. */
  constructor(epoch: Epoch, changed: (horizon: Horizon) => void) {
    this.epoch = epoch
    this.changed = changed
  }

  heard(member: MemberId, message: MemberMessage): void {
    if (message.type !== 'pong' || message.epoch !== this.epoch) return
    this.said.set(member, message)
    this.look()
  }

  /** Its readers go elsewhere, and are heard of there. */
  lost(member: MemberId): void {
    if (this.said.delete(member)) this.look()
  }

  private look(): void {
    const { xmin, catalogXmin } = oldest([...this.said.values()])
    if (xmin === this.told.xmin && catalogXmin === this.told.catalogXmin) return
    this.told = { xmin, catalogXmin }
    this.changed(this.told)
  }
}
