import { InvariantError, assert } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import type { EngineDriver } from '#engine/engine.ts'
import type { Clock, Timer } from '#host/clock.ts'
import type { Op, Store } from '#store/store.ts'
import type { EngineName, InstanceSpec, ObservedInstance } from '#wire/agent/messages.ts'
import { JobFailure } from '../job/failure.ts'
import { instanceSubject } from '../job/job.ts'
import { Slots } from '../job/turns.ts'
import type { Turns } from '../job/turns.ts'
import { ENGINES_AT_ONCE, FULL_PAUSE_MS_MAX, QUICK_DEATHS_MAX, REVIVAL_PAUSES_MS, STABLE_AFTER_MS } from '../limits.ts'
import { volumeOf, type Volumes } from '../volumes.ts'
import { Instance } from './instance.ts'
import type { InstanceRecord } from './record.ts'
import { Prober } from './prober.ts'

const PREFIX = 'instance/'

export interface SupervisorOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly turns: Turns
  readonly volumes: Volumes
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
  /** Whether engines are processes, which may stop accepting connections without a word: they are asked now and then. */
  readonly probes: boolean
  readonly onObserved: (instance: ObservedInstance) => void
  readonly onGone: (id: string) => void
}

/** Another may have become the primary, or the writer of the cluster volume, while the engine was away. */
const isRevivedHere = ({ revivedBy, volume }: InstanceSpec): boolean =>
  revivedBy !== 'control' && volume?.role !== 'writer'

/** Attempts to bring an engine back that died or could not be started. */
interface Revival {
  attempts: number
  /** When the engine last came up, by the monotonic clock; undefined since it was last seen dead. */
  startedAt: number | undefined
  timer: Timer | undefined
  stop: AbortController
}

/**
 * Keeps running what is to run: adopts engines that outlived an agent, starts those that did not, starts again those
 * that die. Jobs work on the same instances in the same turns, so neither ever meets the other half-way.
 */
export class Supervisor {
  private readonly options: SupervisorOptions
  private readonly instances = new Map<string, Instance>()
  private readonly revivals = new Map<string, Revival>()
  private readonly reported = new Map<string, string>()
  private readonly slots = new Slots(ENGINES_AT_ONCE)
  private readonly ending = new AbortController()
  private prober: Prober | undefined

  constructor(options: SupervisorOptions) {
    this.options = options
  }

  /** Reads the records and adopts every engine that runs. Those that a job is busy with are left to it. */
  async load(busy: (id: string) => boolean): Promise<void> {
    const { entries } = await this.options.store.range(PREFIX)
    const loaded = entries.map((entry) => this.add(JSON.parse(entry.value) as InstanceRecord, true))
    await Promise.all(loaded.map((instance) => this.slots.run(this.ending.signal, () => this.adopt(instance))))
    for (const instance of loaded) if (!busy(instance.id)) this.settle(instance.id)
    const { probes, clock } = this.options
    if (probes) this.prober = new Prober(clock, () => this.instances.values())
  }

  observed(): ObservedInstance[] {
    return [...this.instances.values()].map((instance) => instance.observed())
  }

  all(): Instance[] {
    return [...this.instances.values()]
  }

  /** Engines that run or are to run. */
  get busy(): boolean {
    return [...this.instances.values()].some((instance) => instance.alive || instance.record.wanted === 'running')
  }

  find(id: string): Instance | undefined {
    return this.instances.get(id)
  }

  /** Throws the failure that a job ends with when there is no such instance. */
  get(id: string): Instance {
    const instance = this.instances.get(id)
    if (!instance) throw new JobFailure('instance-missing', 'The host does not have this instance.')
    return instance
  }

  add(record: InstanceRecord, recorded: boolean): Instance {
    const { spec } = record
    const instance = new Instance(record, recorded, {
      driver: this.options.drivers[spec.engine],
      folder: this.options.volumes.instanceFolder(spec.id),
      clock: this.options.clock,
      volume: volumeOf(this.options.volumes, spec.id),
      onChange: (changed) => this.report(changed),
      onDeath: (dead) => void this.died(dead),
    })
    this.instances.set(spec.id, instance)
    return instance
  }

  /** The instance is no more. Its engine has been stopped. */
  drop(instance: Instance): void {
    assert(!instance.alive, 'only a stopped instance is dropped')
    this.interrupt(instance.id)
    this.instances.delete(instance.id)
    this.reported.delete(instance.id)
    this.options.onGone(instance.id)
  }

  recordOf(instance: Instance): Op {
    return { op: 'put', key: PREFIX + instance.id, value: JSON.stringify(instance.record) }
  }

  removalOf(id: string): Op {
    return { op: 'delete', key: PREFIX + id }
  }

  /** Changes what is wanted of an instance, durably, before it is acted on. */
  async intend(instance: Instance, change: Partial<Pick<InstanceRecord, 'spec' | 'wanted' | 'acu'>>): Promise<void> {
    instance.record = { ...instance.record, ...change }
    if (instance.recorded) await this.options.store.commit([], [this.recordOf(instance)])
  }

  /** Gives a serverless instance this capacity, when it is its turn; its engine has the settings then, if it runs. */
  async scale(instance: Instance, acu: number): Promise<void> {
    const { turns } = this.options
    await turns.run(instanceSubject(instance.id), this.ending.signal, async () => {
      if (this.instances.get(instance.id) !== instance || !instance.spec.serverless) return
      await this.intend(instance, { acu })
      if (!instance.alive) return
      await instance.configure()
      await instance.reload()
    })
    this.report(instance)
  }

  /** A verb comes that makes bringing the engine back pointless: it need not wait for that. */
  interrupt(id: string): void {
    const revival = this.revivals.get(id)
    if (!revival) return
    this.revivals.delete(id)
    revival.timer?.cancel()
    revival.stop.abort(new JobFailure('cancelled', 'Another request for this instance came first.'))
  }

  /** Looks after an instance that no job is busy with (any more). */
  settle(id: string): void {
    const instance = this.instances.get(id)
    if (!instance || this.ending.signal.aborted || !instance.recorded) return
    if (instance.alive) {
      this.revivalOf(id).startedAt = this.options.clock.monotonic()
      if (!instance.observed().accepting) void instance.ready(this.ending.signal).catch(() => {})
    } else if (instance.record.wanted === 'running' && isRevivedHere(instance.spec)) this.reviveLater(instance)
  }

  /** Stops every engine in order. What is wanted stays, so the next agent starts them again. */
  async shutDown(): Promise<void> {
    this.end()
    const { turns, log } = this.options
    const never = new AbortController().signal
    const stop = async (instance: Instance): Promise<void> => {
      try {
        await turns.run(instanceSubject(instance.id), never, () => this.slots.run(never, () => this.putDown(instance)))
      } catch (error) {
        log.error({ instance: instance.id, error }, 'an engine could not be stopped')
      }
    }
    await Promise.all([...this.instances.values()].map(stop))
  }

  private async putDown(instance: Instance): Promise<void> {
    await instance.stop('fast')
    await this.options.volumes.detachInstance(instance.id)
  }

  /** Looks after nothing any more. Engines go on. */
  end(): void {
    this.ending.abort(new JobFailure('cancelled', 'The agent is ending.'))
    this.prober?.end()
    for (const id of this.revivals.keys()) this.interrupt(id)
  }

  private async adopt(instance: Instance): Promise<void> {
    try {
      await instance.adopt()
    } catch (error) {
      this.options.log.error({ instance: instance.id, error }, 'an engine could not be looked for')
    }
    if (instance.alive)
      this.options.log.info({ instance: instance.id, pid: instance.observed().pid }, 'adopted an engine')
  }

  private report(instance: Instance): void {
    const observed = instance.observed()
    const text = JSON.stringify(observed)
    if (this.instances.get(instance.id) !== instance || this.reported.get(instance.id) === text) return
    this.reported.set(instance.id, text)
    this.options.onObserved(observed)
  }

  private async died(instance: Instance): Promise<void> {
    const { log, store } = this.options
    if (this.ending.signal.aborted || this.instances.get(instance.id) !== instance) return
    log.warn({ instance: instance.id, crashes: instance.record.crashes }, 'an engine ended unexpectedly')
    this.settle(instance.id)
    if (!instance.recorded) return
    try {
      await store.commit([], [this.recordOf(instance)])
    } catch (error) {
      // The count alone is lost, and with the next death it is written again.
      log.error({ instance: instance.id, error }, 'the death of an engine cannot be recorded')
    }
  }

  private revivalOf(id: string): Revival {
    let revival = this.revivals.get(id)
    if (!revival) {
      revival = { attempts: 0, startedAt: undefined, timer: undefined, stop: new AbortController() }
      this.revivals.set(id, revival)
    }
    return revival
  }

  private reviveLater(instance: Instance): void {
    if (instance.refusesSettings) return
    const { clock } = this.options
    const revival = this.revivalOf(instance.id)
    if (revival.timer) return
    // A long life says that starting works, so the next start gets all attempts.
    const { startedAt } = revival
    if (startedAt !== undefined && clock.monotonic() - startedAt > STABLE_AFTER_MS) revival.attempts = 0
    revival.startedAt = undefined
    if (revival.attempts < QUICK_DEATHS_MAX) instance.expect()
    else instance.giveUp()
    const pause = Math.min(
      REVIVAL_PAUSES_MS[Math.min(revival.attempts, REVIVAL_PAUSES_MS.length - 1)]!,
      instance.observed().lastError?.code === 'disk-full' ? FULL_PAUSE_MS_MAX : Infinity,
    )
    revival.attempts++
    revival.timer = clock.after(pause, () => {
      revival.timer = undefined
      void this.revive(instance, revival)
    })
  }

  private async revive(instance: Instance, revival: Revival): Promise<void> {
    const { turns, log, clock } = this.options
    const { signal } = revival.stop
    try {
      await turns.run(instanceSubject(instance.id), signal, () =>
        this.slots.run(signal, async () => {
          if (instance.alive || instance.record.wanted !== 'running') return
          await instance.adopt()
          if (instance.alive) await instance.ready(signal)
          else await instance.start(signal)
          revival.startedAt = clock.monotonic()
          log.info({ instance: instance.id, pid: instance.observed().pid }, 'started an engine again')
        }),
      )
    } catch (error) {
      if (error instanceof InvariantError) throw error
      if (signal.aborted) return
      log.warn({ instance: instance.id, error }, 'an engine could not be started')
      if (!instance.alive && instance.record.wanted === 'running') this.reviveLater(instance)
    }
  }
}
