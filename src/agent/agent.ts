/**
 * The agent of one host: its job table, its engines, and the answers to questions about them. It knows neither sockets
 * (connection.ts brings it together with serve) nor, beyond its ports, a disk: in simulated mode the same code runs in
 * the process of serve.
 */
import type { ObjectStore } from '#archive/object-store.ts'
import type { Log } from '#base/log.ts'
import type { EngineDriver } from '#engine/engine.ts'
import type { Clock } from '#host/clock.ts'
import type { ControlGroups } from '#host/control-groups.ts'
import type { Store } from '#store/store.ts'
import { LOG_PORTION_BYTES_MAX } from '#wire/agent/limits.ts'
import type {
  EngineName,
  FromAgent,
  JobKind,
  JobKinds,
  JobView,
  ObservedInstance,
  Question,
  Questions,
} from '#wire/agent/messages.ts'
import { archiveAnswers, Archivers } from './archiver/archivers.ts'
import { Heads, type HeadsOptions } from './heads.ts'
import { hostAnswers } from './host-answers.ts'
import { Links } from './links/links.ts'
import { watchLogNode } from './log-answers.ts'
import type { ConnectedLogNode } from './log-node.ts'
import { Meter } from './meter/meter.ts'
import { connectionsOf } from './storage/facts.ts'
import { backupJobs, checkRestore } from './job/backups.ts'
import { catchUpJob } from './job/catch-up.ts'
import { JobFailure } from './job/failure.ts'
import { fillingJobs } from './job/fill.ts'
import { instanceIdOf, instanceSubject } from './job/job.ts'
import type { JobContext, JobOutcome, JobRunners } from './job/job.ts'
import { liveJobs } from './job/live.ts'
import { INTERRUPTING, isHurried, TAKING_OVER } from './job/precedence.ts'
import { replicationJobs } from './job/replication.ts'
import { runStateJobs } from './job/run-state.ts'
import { snapshotJobs } from './job/snapshots.ts'
import { JobTable } from './job/table.ts'
import { volumeJobs } from './job/volume.ts'
import { Turns } from './job/turns.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { volumeAnswers, type VolumeAnswers } from './volume-answers.ts'
import type { Volumes } from './volumes.ts'

export interface AgentOptions {
  readonly az: string
  /** This agent's alone. Closed by {@link Agent.retire} and {@link Agent.shutDown}. */
  readonly store: Store
  readonly drivers: Readonly<Record<EngineName, EngineDriver>>
  readonly volumes: Volumes
  readonly clock: Clock
  readonly log: Log
  /** Whether engines are processes: they may stop accepting connections without a word, and can be measured. */
  readonly probes: boolean
  /** How heads are run beside writers of cluster volumes. */
  readonly heads: HeadsOptions['processes']
  /** Where logs are archived; undefined: nowhere, whatever the specs say, as engines without processes write none. */
  readonly archive?: ObjectStore | undefined
  /** What holds serverless engines to their capacity; undefined: only their settings follow it. */
  readonly groups?: ControlGroups | undefined
  /** Where the host's members of quorum logs are; undefined: it can have none. */
  readonly logNode?: ConnectedLogNode | undefined
}

export type AgentReport = Extract<FromAgent, { type: 'job' | 'observed' | 'gone' | 'log-node' }>

export interface Agent {
  readonly az: string
  /** No engine runs or is to run, no job does, and no log is kept. */
  readonly idle: boolean
  observed(): ObservedInstance[]
  job(jobId: string): JobView
  /** Resolves when the job is in the table, durably. Known already: nothing. */
  startJob<K extends JobKind>(jobId: string, kind: K, input: JobKinds[K]['input']): Promise<void>
  /** Resolves when no job with this prefix runs any more. */
  cancelJobs(prefix: string): Promise<void>
  /** Drops ended jobs. */
  forgetJobs(prefix: string): Promise<void>
  ask<Q extends Question>(question: Q, input: Questions[Q]['input']): Promise<Questions[Q]['answer']>
  /** Told of every change of a job or an instance. Returns what ends that. */
  onReport(listener: (report: AgentReport) => void): () => void
  /** Interrupts jobs, stops every engine in order. What ran is started again by the next agent. */
  shutDown(): Promise<void>
  /** Leaves engines running and jobs unfinished; the process must end now. */
  retire(): Promise<void>
}

/**
 * Reads what an earlier agent left in the store: adopts its engines, starts those that are to run and do not, and runs
 * unfinished jobs again. Resolves when what {@link Agent.observed} says is true.
 */
export async function createAgent(options: AgentOptions): Promise<Agent> {
  const agent = new LocalAgent(options)
  await agent.load()
  return agent
}

type Answers = { [Q in Question]: (input: Questions[Q]['input']) => Promise<Questions[Q]['answer']> }

class LocalAgent implements Agent {
  readonly az: string
  private readonly options: AgentOptions
  private readonly listeners = new Set<(report: AgentReport) => void>()
  private readonly supervisor: Supervisor
  private readonly table: JobTable
  private readonly meter: Meter
  private readonly runners: JobRunners
  private readonly archivers: Archivers | undefined
  private readonly links: Links | undefined
  private readonly heads: Heads

  constructor(options: AgentOptions) {
    const { store, clock, log, drivers, volumes, probes } = options
    const turns = new Turns()
    this.az = options.az
    this.options = options
    this.heads = new Heads({ processes: options.heads, clock, log })
    // Engines without processes reach nobody.
    this.links = probes ? new Links({ clock, log }) : undefined
    this.archivers = options.archive && new Archivers({ objects: options.archive, clock, log, drivers })
    this.supervisor = new Supervisor({
      store,
      clock,
      log,
      turns,
      volumes,
      drivers,
      probes,
      onObserved: (instance) => {
        this.report({ type: 'observed', instance })
        this.lookAtWays(instance.id)
      },
      onGone: (id) => {
        this.meter.drop(id)
        this.archivers?.drop(id)
        this.links?.drop(id)
        void this.heads.drop(id)
        this.report({ type: 'gone', id })
      },
    })
    this.meter = new Meter({ clock, log, supervisor: this.supervisor, groups: options.groups })
    watchLogNode(options.logNode, () => this.report({ type: 'log-node' }))
    this.runners = {
      ...fillingJobs(this.supervisor, volumes),
      ...runStateJobs(this.supervisor, volumes),
      ...liveJobs(this.supervisor, drivers),
      ...replicationJobs(this.supervisor, clock),
      ...catchUpJob(this.supervisor, options.archive, clock),
      ...snapshotJobs(this.supervisor, volumes),
      ...backupJobs(this.supervisor, volumes, options.archive),
      ...volumeJobs({ ...options, supervisor: this.supervisor, heads: this.heads }),
    }
    this.table = new JobTable({
      store,
      clock,
      log,
      turns,
      run: (kind, input, context) => this.run(kind, input as never, context),
      onAccepted: (kind, input) => this.accepted(kind, input),
      onEnded: (kind, input) => this.ended(kind, input),
      onView: (jobId, view) => this.report({ type: 'job', jobId, view }),
    })
  }

  get idle(): boolean {
    return !this.supervisor.busy && this.table.running === 0 && !this.options.logNode?.busy
  }

  async load(): Promise<void> {
    const unfinished = await this.table.load()
    const busy = new Set(unfinished.map((job) => instanceIdOf(job.kind, job.input)))
    await this.supervisor.load((id) => busy.has(id))
    this.table.resume(unfinished)
    if (this.options.probes) await this.meter.begin()
  }

  observed(): ObservedInstance[] {
    return this.supervisor.observed()
  }

  job(jobId: string): JobView {
    return this.table.view(jobId)
  }

  startJob<K extends JobKind>(jobId: string, kind: K, input: JobKinds[K]['input']): Promise<void> {
    return this.table.start(jobId, kind, input)
  }

  cancelJobs(prefix: string): Promise<void> {
    return this.table.cancel(prefix)
  }

  forgetJobs(prefix: string): Promise<void> {
    return this.table.forget(prefix)
  }

  async ask<Q extends Question>(question: Q, input: Questions[Q]['input']): Promise<Questions[Q]['answer']> {
    const { supervisor, heads, archivers, options } = this
    const ofVolumes = { ...volumeAnswers({ ...options, supervisor, heads }), ...archiveAnswers(archivers) }
    const answers: Answers = { ...this.answers, ...ofVolumes, ...hostAnswers(options, supervisor) }
    return answers[question](input)
  }

  onReport(listener: (report: AgentReport) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async shutDown(): Promise<void> {
    this.meter.end()
    await this.table.abandon()
    await Promise.all([this.archivers?.end(), this.links?.end(), this.meter.release()])
    await this.supervisor.shutDown()
    // Writers end in order with their heads and logs at hand.
    await this.heads.end()
    await this.options.logNode?.shutDown()
    await this.options.store.close()
  }

  async retire(): Promise<void> {
    this.meter.end()
    this.supervisor.end()
    this.heads.leave()
    this.options.logNode?.close()
    await Promise.all([this.archivers?.end(), this.links?.end()])
    await this.options.store.close()
  }

  private readonly answers: Omit<
    Answers,
    keyof VolumeAnswers | keyof ReturnType<typeof archiveAnswers> | keyof ReturnType<typeof hostAnswers>
  > = {
    'logs.list': async ({ id }) => {
      const { driver, folder } = this.supervisor.get(id)
      return { files: await driver.logs(folder) }
    },
    'logs.read': async ({ id, name, offset, bytesMax }) => {
      const { driver, folder } = this.supervisor.get(id)
      return (
        (await driver.readLog(folder, name, offset, Math.min(bytesMax, LOG_PORTION_BYTES_MAX))) ?? { missing: true }
      )
    },
    'instance.capacity-floor': async (floor) => this.meter.setFloor(this.supervisor.get(floor.id), floor),
    'instance.connections': ({ id }) => connectionsOf(this.supervisor.get(id)),
    'instance.position': async ({ id }) => this.supervisor.get(id).position(),
    'measures.read': async ({ from }) => this.meter.read(from),
    'archive.check': (input) => checkRestore(this.options.archive, input),
  }

  private run<K extends JobKind>(kind: K, input: JobKinds[K]['input'], context: JobContext): Promise<JobOutcome> {
    const runner: JobRunners[K] | undefined = this.runners[kind]
    // Serve asks an agent of another version to retire, so this is a job that an earlier, newer agent took.
    if (!runner) throw new JobFailure('failed', `This version of Holdfast does not know the job ${kind}.`)
    return runner(input, context)
  }

  /** Neither stopping nor removing waits until an engine that does not come up has been tried once more. */
  private accepted(kind: JobKind, input: unknown): void {
    const id = instanceIdOf(kind, input)!
    if (isHurried(kind)) this.meter.hurries(id)
    // Whoever is to take over does not wait until all its data has been copied.
    if (TAKING_OVER.has(kind)) this.table.interrupt('instance.snapshot', instanceSubject(id), 'The engine takes over.')
    if (!INTERRUPTING.has(kind)) return
    this.supervisor.interrupt(id)
    // A fence does not wait for its turn: a job that copies the engine's data may have it for hours.
    if (kind === 'instance.fence') this.supervisor.find(id)?.cutDown()
  }

  private ended(kind: JobKind, input: unknown): void {
    const id = instanceIdOf(kind, input)
    if (id === undefined) return
    if (isHurried(kind)) this.meter.hurried(id)
    this.supervisor.settle(id)
    this.lookAtWays(id)
    const instance = this.supervisor.find(id)
    if (instance) this.meter.changed(instance)
  }

  private lookAtWays(id: string): void {
    const instance = this.supervisor.find(id)
    if (!instance) return
    this.heads.look(instance)
    this.archivers?.look(instance)
    this.links?.look(instance)
  }

  private report(report: AgentReport): void {
    for (const listener of this.listeners) listener(report)
  }
}
