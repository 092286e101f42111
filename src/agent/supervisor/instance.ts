import { assert } from '#base/assert.ts'
import type { EngineDriver, EngineProcess } from '#engine/engine.ts'
import type { Clock } from '#host/clock.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { InstanceSpec, JobError, ObservedInstance, StopMode } from '#wire/agent/messages.ts'
import type { LogPosition } from '#wire/agent/replication.ts'
import type { ObservedStorage } from '#wire/agent/storage.ts'
import type { ToldOfCluster } from '#wire/agent/volume.ts'
import { acuOf, specInForce } from '../capacity/in-force.ts'
import type { InstanceRecord } from './record.ts'
import { ConsumerWatch, isPressing } from './consumer-watch.ts'
import { JobFailure, jobErrorOf } from '../job/failure.ts'
import type { InstanceVolume } from '../volumes.ts'
import { startErrorOf, withRoom } from './room.ts'
import { Ties } from './ties.ts'
import { JOIN_MS_MAX, MISSES_MAX, STARTING_PROBE_MS, STOP_PATIENCE_MS } from '../limits.ts'

export interface InstanceOptions {
  readonly driver: EngineDriver
  readonly folder: string
  readonly clock: Clock
  readonly volume: InstanceVolume
  readonly onChange: (instance: Instance) => void
  /** The engine ended and nobody asked it to. */
  readonly onDeath: (instance: Instance) => void
}

/**
 * One instance on this host: its record, its engine process, and what is seen of it. Its verbs are called by whoever
 * has the instance's turn, so never two at once; deaths and probes come at any time.
 */
export class Instance {
  record: InstanceRecord
  /** In the store, rather than half-made by a job that may still fail. */
  recorded: boolean
  /** The engine refuses its settings: starting it again without new ones is pointless. */
  refusesSettings = false
  readonly folder: string
  readonly driver: EngineDriver
  readonly volume: InstanceVolume
  private readonly options: InstanceOptions
  private engine: EngineProcess | undefined
  private state: ObservedInstance['state'] = 'stopped'
  private accepting = false
  private pendingRestart: readonly string[] = []
  private lastError: JobError | undefined
  private sight: ObservedStorage | undefined
  /** Probes in a row that the engine did not answer. */
  private misses = 0
  private readonly ties = new Ties()
  private readonly consumers = new ConsumerWatch()
  private archive: ObservedArchive | undefined

  constructor(record: InstanceRecord, recorded: boolean, options: InstanceOptions) {
    this.record = record
    this.recorded = recorded
    this.folder = options.folder
    this.driver = options.driver
    this.volume = options.volume
    this.options = options
  }

  get id(): string {
    return this.record.spec.id
  }

  get spec(): InstanceSpec {
    return this.record.spec
  }

  get alive(): boolean {
    return this.engine !== undefined
  }

  observed(): ObservedInstance {
    const { accepting, state, pendingRestart, lastError, archive } = this
    const acu = acuOf(this.record)
    return {
      id: this.id,
      state,
      accepting,
      pid: this.engine?.pid,
      version: this.spec.version,
      pendingRestart,
      crashes: this.record.crashes,
      lastError,
      ...(this.engine && this.ties.observed()),
      ...(this.sight && { storage: this.sight }),
      ...(acu !== undefined && { acu }),
      ...(archive && { archive }),
      ...(this.engine && this.misses >= MISSES_MAX && { isSilent: true }),
    }
  }

  /** How full its storage was at the last look; undefined before the first. */
  get storage(): ObservedStorage | undefined {
    return this.sight
  }

  sawStorage(storage: ObservedStorage): void {
    this.sight = storage
    this.options.onChange(this)
  }

  /** Finds the engine that an earlier agent started, if it runs. */
  async adopt(): Promise<void> {
    if (this.engine) return
    // Where that fails no engine runs, and whoever starts one is told why.
    await this.volume.attach().catch(() => {})
    const engine = await this.driver.adopt(this.folder, this.spec)
    if (!engine) return
    this.take(engine)
    this.state = 'starting'
    await this.look()
  }

  /** Writes the configuration and starts the engine; it accepts connections when this resolves. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await withRoom(this.volume, () => this.configure().then(() => this.launch(signal)))
    } catch (error) {
      if (!signal.aborted) this.set({ lastError: await startErrorOf(this.volume, error) })
      throw error
    }
  }

  /** Gives it the storage that its spec asks for, and writes the configuration. The running engine, if any, is not told. */
  async configure(): Promise<void> {
    await this.volume.grow(this.spec.capacity.storageBytes)
    await withRoom(this.volume, () => this.driver.configure(this.folder, specInForce(this.record)))
  }

  /** Starts the engine with the configuration that lies in its folder. */
  async launch(signal: AbortSignal): Promise<void> {
    assert(!this.engine, 'an engine is started only where none runs')
    this.set({ state: 'starting', accepting: false })
    try {
      this.take(await this.driver.start(this.folder, specInForce(this.record), signal))
      this.refusesSettings = false
      this.set({ state: 'running', accepting: true, pendingRestart: [], lastError: undefined })
      // It serves; whoever follows it is let in at the latest by the reload that control orders with every change.
      if (this.spec.replication) await this.driver.admitFollowers(this.folder, this.spec).catch(() => {})
      if (isPressing(this)) await this.look()
    } catch (error) {
      if (signal.aborted) {
        this.set({ state: 'stopped' })
        throw error
      }
      const lastError = jobErrorOf(error)
      this.refusesSettings = lastError.code === 'bad-settings'
      // Whether it is tried again is not known here: `failed` is said of what is not, or was tried often.
      this.set({ state: this.refusesSettings ? 'failed' : 'stopped', lastError })
      throw error
    }
  }

  /** Stops the engine, also one that no agent has adopted yet. Nothing runs in the folder when this resolves. */
  stop(mode: StopMode): Promise<void> {
    return this.end((engine) => this.driver.stop(engine, mode, STOP_PATIENCE_MS))
  }

  /** Ends the engine at once. It may be stopped by a signal, or hang on its disk: nothing is asked of it. */
  kill(): Promise<void> {
    return this.end((engine) => this.driver.kill(engine))
  }

  private async end(how: (engine: EngineProcess) => Promise<void>): Promise<void> {
    await this.adopt()
    if (this.engine) {
      this.set({ state: 'stopping', accepting: false })
      await how(this.engine)
      this.engine = undefined
    }
    this.set({ state: 'stopped', accepting: false, pendingRestart: [], lastError: undefined })
  }

  /** The same at any time, in the middle of whatever job has the instance's turn: that job meets a dead engine. */
  cutDown(): void {
    const { engine } = this
    if (engine) void this.driver.kill(engine)
  }

  /** Waits until the adopted engine accepts connections. Throws when it ends instead. */
  async ready(signal: AbortSignal): Promise<void> {
    while (!this.accepting) {
      if (!this.engine) throw new JobFailure('failed', 'The engine ended while it was starting.')
      await this.options.clock.sleep(STARTING_PROBE_MS, signal)
      await this.look()
    }
  }

  /** Waits a little until the standby, or reader, streams, so that this is known when the job that made it ends. */
  async joined(signal: AbortSignal): Promise<void> {
    const { clock } = this.options
    const until = clock.monotonic() + JOIN_MS_MAX
    for (;;) {
      await this.look()
      if (this.ties.streams || clock.monotonic() >= until || !this.engine) return
      await clock.sleep(STARTING_PROBE_MS, signal)
    }
  }

  /**
   * Asks the engine whether it accepts connections, and what it says of replication. `isPunctual`: this process itself
   * ran when it wanted to; otherwise an engine that is late says nothing but that the machine is busy.
   */
  async look(isPunctual = true): Promise<void> {
    const engine = this.engine
    if (!engine || !this.isUp()) return
    const [accepting, ties] = await Promise.all([
      this.driver.probe(this.folder, this.spec),
      this.ties.look(this),
      this.consumers.tend(this, engine),
    ])
    const found = accepting && this.state === 'starting'
    const pending = found
      ? await this.driver.pendingRestart(this.folder, this.spec).catch(() => [])
      : this.pendingRestart
    // It may have died or been asked to stop while we looked.
    if (this.engine !== engine || !this.isUp()) return
    if (accepting) this.misses = 0
    else if (isPunctual && this.state === 'running') this.misses++
    this.ties.take(ties, isPunctual)
    this.set({ state: found ? 'running' : this.state, accepting, pendingRestart: pending })
  }

  private isUp(): boolean {
    return this.state === 'starting' || this.state === 'running'
  }

  async reload(): Promise<readonly string[]> {
    const pendingRestart = await this.driver.reload(this.folder, this.spec)
    this.set({ pendingRestart })
    if (this.spec.replication) {
      await this.driver.admitFollowers(this.folder, this.spec)
      await this.look()
    }
    return pendingRestart
  }

  /** Where the running engine's log ends. */
  position(): Promise<LogPosition> {
    return this.driver.position(this.folder, this.spec)
  }

  /** Of a writer: where it has made a checkpoint for an image that needs nothing before `since`. */
  async checkpoint(since: number): Promise<{ at: number }> {
    return { at: await this.driver.onVolume.checkpoint(this.folder, since) }
  }

  /** What the engine says of its cluster from now on. */
  async tellReplicas(told: ToldOfCluster): Promise<Record<never, never>> {
    await this.driver.onVolume.tellReplicas(this.folder, told)
    return {}
  }

  /** How far its log is archived now. */
  archived(archive: ObservedArchive | undefined): void {
    this.archive = archive
    this.options.onChange(this)
  }

  /** After repeated deaths: says that it is not coming up, while it is still tried. */
  giveUp(): void {
    this.set({ state: 'failed' })
  }

  /** Says that it is to come up, while it waits for its next start. */
  expect(): void {
    if (!this.engine) this.set({ state: 'starting', accepting: false })
  }

  private take(engine: EngineProcess): void {
    this.engine = engine
    this.misses = 0
    this.ties.reset()
    void engine.exited.then(() => this.exited(engine))
  }

  private exited(engine: EngineProcess): void {
    // While it is stopping, whoever stops it waits for this and goes on.
    if (this.engine !== engine || this.state === 'stopping') return
    this.engine = undefined
    this.record = { ...this.record, crashes: this.record.crashes + 1 }
    const lastError: JobError = { code: 'failed', message: 'The engine process ended unexpectedly.' }
    this.set({ state: 'stopped', accepting: false, pendingRestart: [], lastError })
    this.options.onDeath(this)
  }

  private set(seen: Partial<Pick<ObservedInstance, 'state' | 'accepting' | 'pendingRestart' | 'lastError'>>): void {
    if (seen.state !== undefined) this.state = seen.state
    if (seen.accepting !== undefined) this.accepting = seen.accepting
    if (seen.pendingRestart !== undefined) this.pendingRestart = seen.pendingRestart
    if ('lastError' in seen) this.lastError = seen.lastError
    this.options.onChange(this)
  }
}
