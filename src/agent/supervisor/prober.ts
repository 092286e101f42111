import type { Clock, Timer } from '#host/clock.ts'
import { PROBE_EVERY_MS, PROBE_TICK_MS, PUNCTUAL_MS, REPLICATION_LOOK_MS } from '../limits.ts'
import { isPressing } from './consumer-watch.ts'
import type { Instance } from './instance.ts'

/** Asks every engine now and then whether it still serves: each at its own pace, so that a silent one delays no other. */
export class Prober {
  private readonly clock: Clock
  private readonly instances: () => Iterable<Instance>
  private readonly looking = new Set<Instance>()
  private readonly lookedAt = new WeakMap<Instance, number>()
  private timer: Timer | undefined
  private ended = false

  constructor(clock: Clock, instances: () => Iterable<Instance>) {
    this.clock = clock
    this.instances = instances
    this.later()
  }

  end(): void {
    this.ended = true
    this.timer?.cancel()
  }

  private later(): void {
    const dueAt = this.clock.monotonic() + PROBE_TICK_MS
    this.timer = this.clock.after(PROBE_TICK_MS, () => {
      if (this.ended) return
      const now = this.clock.monotonic()
      for (const instance of this.instances()) if (this.isDue(instance, now)) void this.look(instance, now, dueAt)
      this.later()
    })
  }

  private isDue(instance: Instance, now: number): boolean {
    if (!instance.alive || this.looking.has(instance)) return false
    const everyMs = isPressing(instance) ? REPLICATION_LOOK_MS : PROBE_EVERY_MS
    return now - (this.lookedAt.get(instance) ?? -Infinity) >= everyMs
  }

  private async look(instance: Instance, now: number, dueAt: number): Promise<void> {
    this.looking.add(instance)
    this.lookedAt.set(instance, now)
    try {
      await instance.look(now - dueAt <= PUNCTUAL_MS)
    } finally {
      this.looking.delete(instance)
    }
  }
}
