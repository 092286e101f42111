import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Compare, LeaseId, Revision, Store, Watch } from '#store/store.ts'
import { CLAIM_RENEW_MS, CLAIM_TTL_MS } from '../limits.ts'

export const CLAIM_KEY = 'flow-runner'

/**
 * The right to run flows: one runner on a store has it, others stand by. It is a key under a lease, and every commit
 * of a step compares its revision: a runner that has lost the claim without knowing cannot write.
 *
 * One claim for all flows and not one for each: claiming would cost every flow a commit, and what a second runner
 * could add is not speed, since steps only ask agents to work.
 */
export class Claim {
  private readonly store: Store
  private readonly clock: Clock
  private readonly log: Log
  /** Called when the claim is taken, and at each renewal. */
  private readonly onHeld: () => void
  private readonly owner: string
  private lease: LeaseId | undefined
  private revision: Revision | undefined
  private timer: Timer | undefined
  private watch: Watch | undefined
  private released = false

  constructor(parts: { store: Store; clock: Clock; log: Log; owner: string }, onHeld: () => void) {
    this.store = parts.store
    this.clock = parts.clock
    this.log = parts.log
    this.owner = parts.owner
    this.onHeld = onHeld
  }

  /** What must still be so when a step commits. Undefined while the claim is not held. */
  get compare(): Compare | undefined {
    return this.revision === undefined ? undefined : { key: CLAIM_KEY, modRevision: this.revision }
  }

  /** Takes the claim, or stands by until it is free. Resolves after the first attempt. */
  async take(): Promise<void> {
    if (this.released) return
    try {
      await this.tryToTake()
    } catch (error) {
      this.log.error({ error }, 'cannot claim the flows')
      this.scheduleNext(() => this.take())
    }
  }

  /** A commit found somebody else's claim, or none, where this one should be. */
  async lost(): Promise<void> {
    if (this.revision === undefined) return
    this.revision = undefined
    this.timer?.cancel()
    this.log.warn({}, 'lost the claim to the flows')
    await this.take()
  }

  async release(): Promise<void> {
    this.released = true
    this.revision = undefined
    this.timer?.cancel()
    this.watch?.close()
    if (this.lease !== undefined) await this.store.revokeLease(this.lease)
  }

  private async tryToTake(): Promise<void> {
    this.watch?.close()
    this.lease ??= await this.store.grantLease(CLAIM_TTL_MS)
    if (!(await this.store.renewLease(this.lease))) this.lease = await this.store.grantLease(CLAIM_TTL_MS)
    const put = { op: 'put', key: CLAIM_KEY, value: this.owner, lease: this.lease } as const
    const result = await this.store.commit([{ key: CLAIM_KEY, modRevision: 0 }], [put])
    if (this.released) return this.store.revokeLease(this.lease)
    const revision = result.committed ? result.revision : await this.revisionIfOwn()
    if (revision !== undefined) {
      this.revision = revision
      this.onHeld()
    } else {
      this.watch = this.store.watch(CLAIM_KEY, result.revision, (changes) => {
        if (changes.some((c) => c.key === CLAIM_KEY && c.value === undefined)) void this.take()
      })
    }
    this.scheduleNext(() => this.renew())
  }

  /** The key may be there because this runner put it: by a commit whose outcome it did not hear. */
  private async revisionIfOwn(): Promise<Revision | undefined> {
    const entry = await this.store.get(CLAIM_KEY)
    return entry?.value === this.owner ? entry.modRevision : undefined
  }

  private async renew(): Promise<void> {
    try {
      if (this.lease !== undefined && (await this.store.renewLease(this.lease))) {
        if (this.revision !== undefined) this.onHeld()
        this.scheduleNext(() => this.renew())
      } else if (!this.released) {
        this.lease = undefined
        if (this.revision === undefined) await this.take()
        else await this.lost()
      }
    } catch (error) {
      this.log.warn({ error }, 'cannot renew the claim to the flows')
      this.scheduleNext(() => this.renew())
    }
  }

  private scheduleNext(run: () => Promise<void>): void {
    this.timer?.cancel()
    if (!this.released) this.timer = this.clock.after(CLAIM_RENEW_MS, () => void run())
  }
}
