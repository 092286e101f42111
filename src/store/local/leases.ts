import type { Clock, Timer } from '#host/clock.ts'
import type { LeaseId } from '../store.ts'

interface Lease {
  readonly ttlMs: number
  readonly keys: Set<string>
  /** On the monotonic clock. */
  expiresAt: number
  timer: Timer
}

/**
 * Leases of a store that lives in one process. They are not stored: a process that ends takes them with it, and the
 * next one to open the table deletes the keys they left.
 */
export class Leases {
  private readonly clock: Clock
  private readonly generation: number
  private readonly onExpired: (keys: string[]) => void
  private readonly leases = new Map<LeaseId, Lease>()
  private granted = 0

  constructor(clock: Clock, generation: number, onExpired: (keys: string[]) => void) {
    this.clock = clock
    this.generation = generation
    this.onExpired = onExpired
  }

  grant(ttlMs: number): LeaseId {
    const id = `${this.generation}.${++this.granted}`
    const timer = this.clock.after(ttlMs, () => this.end(id))
    this.leases.set(id, { ttlMs, keys: new Set(), expiresAt: this.clock.monotonic() + ttlMs, timer })
    return id
  }

  renew(id: LeaseId): boolean {
    if (!this.isAlive(id)) return false
    const lease = this.leases.get(id)!
    lease.timer.cancel()
    lease.expiresAt = this.clock.monotonic() + lease.ttlMs
    lease.timer = this.clock.after(lease.ttlMs, () => this.end(id))
    return true
  }

  /** The time counts, not the timer: a process that was stopped for a while runs its timers too late. */
  isAlive(id: LeaseId): boolean {
    const lease = this.leases.get(id)
    if (!lease) return false
    if (this.clock.monotonic() < lease.expiresAt) return true
    this.end(id)
    return false
  }

  end(id: LeaseId): void {
    const lease = this.leases.get(id)
    if (!lease) return
    lease.timer.cancel()
    this.leases.delete(id)
    this.onExpired([...lease.keys])
  }

  attach(id: LeaseId, key: string): void {
    this.leases.get(id)?.keys.add(key)
  }

  detach(id: LeaseId, key: string): void {
    this.leases.get(id)?.keys.delete(key)
  }

  close(): void {
    for (const lease of this.leases.values()) lease.timer.cancel()
    this.leases.clear()
  }
}
