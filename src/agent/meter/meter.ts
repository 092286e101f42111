/**
 * Looks at every engine of this host now and then, and keeps what it saw by the minute until serve has read it. One
 * instance after the other, and with pauses, so that measuring never takes more than a small part of the host.
 */
import { messageOf } from '#base/trouble.ts'
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { ControlGroups } from '#host/control-groups.ts'
import { availableMemoryBytes } from '#host/machine.ts'
import type { MeasuredMinute } from '#wire/agent/measures.ts'
import { Enforcer } from '../capacity/enforcer.ts'
import { Scaler } from '../capacity/scaler.ts'
import { MEASURE_EVERY_MS, MEASURE_SHARE_MAX, MINUTES_KEPT_MAX, MINUTES_TOLD_MAX } from '../limits.ts'
import type { Instance } from '../supervisor/instance.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { measureInstance } from '../storage/facts.ts'
import { StorageGuard } from '../storage/guard.ts'
import { Minutes } from './minutes.ts'
import { busyVcpus, valuesOf, type Look } from './values.ts'

export interface MeterOptions {
  readonly clock: Clock
  readonly log: Log
  /** Of those to look at. */
  readonly supervisor: Supervisor
  /** Undefined: engines are not held to a capacity by the kernel. */
  readonly groups: ControlGroups | undefined
}

export class Meter {
  private readonly options: MeterOptions
  private readonly minutes = new Minutes(MINUTES_KEPT_MAX)
  private readonly looks = new Map<string, Look>()
  private readonly guard: StorageGuard
  private readonly scaler: Scaler
  private readonly enforcer: Enforcer
  private timer: Timer | undefined
  private ended = false

  constructor(options: MeterOptions) {
    this.options = options
    const { clock, log, supervisor, groups } = options
    this.enforcer = new Enforcer({ groups, log })
    this.guard = new StorageGuard({ clock, log, instances: () => supervisor.all() })
    this.scaler = new Scaler({
      clock,
      log,
      apply: async (instance, acu) => {
        await supervisor.scale(instance, acu)
        await this.enforcer.hold(instance)
      },
    })
  }

  /** Looks at once, and then again and again. What an earlier agent knew of full storage is known when this resolves. */
  async begin(): Promise<void> {
    await this.guard.begin()
    this.again()
  }

  end(): void {
    this.ended = true
    this.guard.end()
    this.timer?.cancel()
  }

  /** All engines are to end: none is slowed down any more when this resolves. */
  release(): Promise<void> {
    return this.enforcer.end()
  }

  drop(id: string): void {
    this.minutes.drop(id)
    this.looks.delete(id)
    this.scaler.drop(id)
    this.enforcer.drop(id)
    this.guard.drop(id)
  }

  /** It goes with a writer that has this capacity. */
  setFloor(instance: Instance, { acu, forMs }: { readonly acu: number; readonly forMs: number }): Record<never, never> {
    this.scaler.setFloor(instance, acu, forMs)
    return {}
  }

  /** A job is to end its engine, or to have it take over: nothing holds that up. */
  hurries(id: string): void {
    this.enforcer.begins(id)
  }

  hurried(id: string): void {
    this.enforcer.ended(id)
  }

  /** A job has changed the instance: storage that was short may not be so any more. */
  changed(instance: Instance): void {
    void this.guard.again(instance)
  }

  read(from: number): { minutes: readonly MeasuredMinute[]; more: boolean } {
    return this.minutes.since(from, MINUTES_TOLD_MAX)
  }

  private again(): void {
    void this.round().then((tookMs) => {
      const ms = Math.max(MEASURE_EVERY_MS, tookMs / MEASURE_SHARE_MAX)
      if (!this.ended) this.timer = this.options.clock.after(ms, () => this.again())
    })
  }

  private async round(): Promise<number> {
    const { clock, log, supervisor } = this.options
    const from = clock.monotonic()
    for (const instance of supervisor.all()) {
      if (this.ended) break
      try {
        await this.measure(instance)
      } catch (error) {
        if (error instanceof InvariantError) throw error
        log.warn({ instance: instance.id, error }, `measure an instance: ${messageOf(error)}`)
      }
    }
    return clock.monotonic() - from
  }

  private async measure(instance: Instance): Promise<void> {
    const { clock } = this.options
    const { pid, state } = instance.observed()
    // One that is being made, started or stopped is in the hands of a job; its numbers would say nothing.
    if (state !== 'running' || !instance.recorded) return
    const facts = await measureInstance(instance, true)
    const now: Look = { atMs: clock.monotonic(), pid, facts, hostFreeBytes: availableMemoryBytes() }
    // It may have been removed meanwhile, and dropped here.
    if (!this.options.supervisor.all().includes(instance)) return
    const before = this.looks.get(instance.id)
    const scaled = this.scaler.see(instance, facts, busyVcpus(before, now))
    this.minutes.add(instance.id, clock.now(), { ...valuesOf(before, now, instance.spec.capacity), ...scaled })
    this.looks.set(instance.id, now)
    await this.enforcer.hold(instance, facts.sharedMemoryBytes)
    await this.guard.see(instance, facts)
  }
}
