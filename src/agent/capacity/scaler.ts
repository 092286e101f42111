/**
 * Gives serverless instances the capacity that their load asks for, at every look at them. Here and not in serve, because
 * it has to go on while serve is away. What a capacity means is applied to the running engine: settings that follow it
 * and can be changed live. Those that cannot are of the size that the largest capacity has.
 */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import type { EngineFacts } from '#engine/engine.ts'
import type { Clock } from '#host/clock.ts'
import type { MetricValues } from '#wire/agent/measures.ts'
import type { Instance } from '../supervisor/instance.ts'
import { acuOf, scaledSettings } from './in-force.ts'
import { nextCapacity, type CapacityState } from './rules.ts'

export interface ScalerOptions {
  readonly clock: Clock
  readonly log: Log
  /** Changes the instance's capacity, durably, when it is the instance's turn; its engine has the settings then. */
  readonly apply: (instance: Instance, acu: number) => Promise<void>
}

interface Watched {
  state: CapacityState
  /** A change is being applied. */
  busy: boolean
  wasFailing: boolean
  floor: { readonly acu: number; readonly untilMs: number } | undefined
}

export class Scaler {
  private readonly options: ScalerOptions
  private readonly watched = new Map<string, Watched>()

  constructor(options: ScalerOptions) {
    this.options = options
  }

  drop(id: string): void {
    this.watched.delete(id)
  }

  /** It has no less than this for so long: it goes with a writer that has as much. */
  setFloor(instance: Instance, acu: number, forMs: number): void {
    this.watchedOf(instance).floor = { acu, untilMs: this.options.clock.monotonic() + forMs }
  }

  /** What a look found of its load. `vcpus`: busy ones since the last look. */
  see(instance: Instance, facts: EngineFacts, vcpus: number | undefined): MetricValues {
    const { serverless } = instance.spec
    const acu = acuOf(instance.record)
    if (!serverless || acu === undefined) {
      this.watched.delete(instance.id)
      return {}
    }
    const watched = this.watchedOf(instance)
    const nowMs = this.options.clock.monotonic()
    const { floor } = watched
    const { memoryBytes, sharedMemoryBytes = 0, connections } = facts
    const load = {
      vcpus,
      memoryBytes: memoryBytes === undefined ? undefined : memoryBytes - sharedMemoryBytes,
      connections,
    }
    const floorAcu = floor && floor.untilMs > nowMs ? floor.acu : undefined
    // What it has, and not what it was to get: that may have failed.
    watched.state = nextCapacity({ ...watched.state, acu }, load, { ...serverless, nowMs, floorAcu })
    if (watched.state.acu !== acu) void this.apply(instance, watched)
    // AWS: Aurora user guide, "Important Amazon CloudWatch metrics for Aurora Serverless v2".
    return { ServerlessDatabaseCapacity: acu, ACUUtilization: (100 * acu) / serverless.maxAcu }
  }

  private async apply(instance: Instance, watched: Watched): Promise<void> {
    if (watched.busy) return
    watched.busy = true
    const { acu } = watched.state
    const about = { instance: instance.id, from: acuOf(instance.record), acu }
    try {
      await this.options.apply(instance, acu)
      this.options.log.info(
        { ...about, settings: scaledSettings(instance.record) },
        'the capacity of an instance has changed',
      )
      watched.wasFailing = false
    } catch (error) {
      if (error instanceof InvariantError) throw error
      // Stopped meanwhile, or its disk is full: the next look finds what it has, and tries again.
      if (!watched.wasFailing) this.options.log.warn({ ...about, error }, `scale an instance: ${messageOf(error)}`)
      watched.wasFailing = true
    } finally {
      watched.busy = false
    }
  }

  private watchedOf(instance: Instance): Watched {
    const known = this.watched.get(instance.id)
    if (known) return known
    const state = { acu: 0, calmSinceMs: undefined }
    const fresh: Watched = { state, busy: false, wasFailing: false, floor: undefined }
    this.watched.set(instance.id, fresh)
    return fresh
  }
}
