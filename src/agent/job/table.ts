import { InvariantError } from '#base/assert.ts'
import { Trouble } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { crashPoint } from '#host/crash-point.ts'
import type { Op, Store } from '#store/store.ts'
import type { JobKind, JobView } from '#wire/agent/messages.ts'
import { DROPPED_AT_ONCE, JOBS_AT_ONCE, JOBS_MAX, RECORD_AGAIN_MS } from '../limits.ts'
import { JobFailure, jobErrorOf } from './failure.ts'
import { subjectOf } from './job.ts'
import type { JobContext, JobOutcome, JobRecord } from './job.ts'
import { Slots } from './turns.ts'
import type { Turns } from './turns.ts'

const PREFIX = 'job/'

export interface JobTableOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly turns: Turns
  readonly run: (kind: JobKind, input: unknown, context: JobContext) => Promise<JobOutcome>
  /** Told before a job waits for its turn. */
  readonly onAccepted: (kind: JobKind, input: unknown) => void
  /** Told when a job has ended and its end is in the store. */
  readonly onEnded: (kind: JobKind, input: unknown) => void
  /** Told of every change of a view. */
  readonly onView: (jobId: string, view: JobView) => void
}

interface Job {
  readonly id: string
  readonly kind: JobKind
  /** Dropped with the job's end. */
  input: unknown
  readonly stop: AbortController
  view: JobView
  /** Resolves when the job is in the store. */
  accepted: Promise<void>
  /** Resolves when it runs no more and its end is in the store, or when it was abandoned. */
  ended: Promise<void>
}

/**
 * The agent's jobs: known by their id for ever (until dropped), run once, in the store before they are acknowledged.
 *
 *   absent ──start──► running ──► succeeded │ failed ──forget──► absent
 *                       ▲  │
 *                       └──┘ the agent died or shut down: run again from the start
 */
export class JobTable {
  private readonly jobs = new Map<string, Job>()
  private readonly slots = new Slots(JOBS_AT_ONCE)
  private readonly options: JobTableOptions
  /** Set when this agent ends: what is interrupted from now on stays in the table as running. */
  private abandoned = false

  constructor(options: JobTableOptions) {
    this.options = options
  }

  get running(): number {
    return [...this.jobs.values()].filter((job) => job.view.state === 'running').length
  }

  /** Reads the table. Jobs that an earlier agent left running are given back, oldest first, for {@link resume}. */
  async load(): Promise<Job[]> {
    const { entries } = await this.options.store.range(PREFIX)
    const unfinished: Job[] = []
    for (const entry of entries.toSorted((a, b) => a.createRevision - b.createRevision)) {
      const record = JSON.parse(entry.value) as JobRecord
      const job = newJob(
        entry.key.slice(PREFIX.length),
        record.kind,
        record.state === 'running' ? record.input : undefined,
      )
      job.view = viewOf(record)
      this.jobs.set(job.id, job)
      if (record.state === 'running') unfinished.push(job)
    }
    return unfinished
  }

  resume(jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.options.log.info({ job: job.id, kind: job.kind }, 'running a job again that was interrupted')
      // Even if it is cancelled at once it gets its turn: only its own run knows what the interrupted one left behind.
      job.ended = this.execute(job, new AbortController().signal)
    }
  }

  view(jobId: string): JobView {
    return this.jobs.get(jobId)?.view ?? { state: 'absent' }
  }

  /** Resolves when the job is in the table, and on disk. Known already: nothing. */
  async start(jobId: string, kind: JobKind, input: unknown): Promise<void> {
    const known = this.jobs.get(jobId)
    if (known) return known.accepted
    if (this.abandoned) throw new Trouble('the agent is ending', { culprit: 'us', retryable: true })
    if (this.jobs.size >= JOBS_MAX) {
      throw new Trouble(`the agent holds ${JOBS_MAX} jobs already`, { culprit: 'us', retryable: true })
    }
    const job = newJob(jobId, kind, input)
    this.jobs.set(jobId, job)
    job.accepted = this.accept(job)
    job.ended = job.accepted.then(
      () => this.execute(job),
      () => {},
    )
    await job.accepted
  }

  /** Ends the running jobs with this prefix, and resolves when they have ended. */
  async cancel(prefix: string): Promise<void> {
    const jobs = [...this.jobs.values()].filter((job) => job.id.startsWith(prefix))
    for (const job of jobs) job.stop.abort(new JobFailure('cancelled', 'The job was cancelled.'))
    await Promise.all(jobs.map((job) => job.ended))
  }

  /** The same for jobs of a kind on a subject, without waiting for their ends. */
  interrupt(kind: JobKind, subject: string, why: string): void {
    for (const job of this.jobs.values())
      if (job.kind === kind && job.view.state === 'running' && subjectOf(job.kind, job.input) === subject)
        job.stop.abort(new JobFailure('cancelled', why))
  }

  /** Drops ended jobs with this prefix. */
  async forget(prefix: string): Promise<void> {
    const ended = [...this.jobs.values()].filter((job) => job.id.startsWith(prefix) && job.view.state !== 'running')
    for (let at = 0; at < ended.length; at += DROPPED_AT_ONCE) {
      const some = ended.slice(at, at + DROPPED_AT_ONCE)
      await this.options.store.commit(
        [],
        some.map((job) => ({ op: 'delete', key: PREFIX + job.id })),
      )
      for (const job of some) this.jobs.delete(job.id)
    }
  }

  /** Interrupts every job without ending it: the next agent runs it again. Resolves when none runs. */
  async abandon(): Promise<void> {
    this.abandoned = true
    const jobs = [...this.jobs.values()]
    for (const job of jobs) job.stop.abort(new JobFailure('cancelled', 'The agent is ending.'))
    await Promise.all(jobs.map((job) => job.ended))
  }

  private async accept(job: Job): Promise<void> {
    const record: JobRecord = { state: 'running', kind: job.kind, input: job.input }
    const key = PREFIX + job.id
    try {
      const put: Op = { op: 'put', key, value: JSON.stringify(record) }
      await this.options.store.commit([{ key, modRevision: 0 }], [put])
    } catch (error) {
      this.jobs.delete(job.id)
      throw error
    }
    crashPoint(`agent:${job.kind}.accepted`)
    this.options.onView(job.id, job.view)
  }

  /** `patience` says how long it waits for its turn. */
  private async execute(job: Job, patience = job.stop.signal): Promise<void> {
    const { log, turns, onAccepted } = this.options
    const { signal } = job.stop
    let record: JobRecord
    let outcome: JobOutcome | undefined
    try {
      onAccepted(job.kind, job.input)
      const subject = subjectOf(job.kind, job.input)
      const work = (): Promise<JobOutcome> => this.slots.run(patience, () => this.run(job))
      outcome = await (subject === undefined ? work() : turns.run(subject, patience, work))
      record = { state: 'succeeded', kind: job.kind, result: outcome.result }
    } catch (thrown) {
      if (this.abandoned) return
      const error = jobErrorOf(signal.aborted ? signal.reason : thrown)
      log.info({ job: job.id, kind: job.kind, error: thrown }, 'job failed')
      record = { state: 'failed', kind: job.kind, error }
    }
    await this.record(job, record, outcome)
  }

  private run(job: Job): Promise<JobOutcome> {
    return this.options.run(job.kind, job.input, {
      signal: job.stop.signal,
      progress: (text) => this.show(job, { state: 'running', progress: text }),
      reached: (phase) => crashPoint(`agent:${job.kind}.${phase}`),
    })
  }

  /** Until the end is in the store the job counts as running: whoever sees an end can rely on it. */
  private async record(job: Job, record: JobRecord, outcome: JobOutcome | undefined): Promise<void> {
    while (!(await this.write(job, record, outcome?.writes ?? []))) {
      if (this.abandoned) return
      await this.options.clock.sleep(RECORD_AGAIN_MS)
    }
    crashPoint(`agent:${job.kind}.recorded`)
    outcome?.onRecorded?.()
    this.options.onEnded(job.kind, job.input)
    job.input = undefined
    this.show(job, viewOf(record))
  }

  /** False when the store could not be written. Says so once a try: a full disk is what a person must look at. */
  private async write(job: Job, record: JobRecord, writes: readonly Op[]): Promise<boolean> {
    const { store, log } = this.options
    const put: Op = { op: 'put', key: PREFIX + job.id, value: JSON.stringify(record) }
    try {
      // This process alone writes the table, and writing the same again is harmless: no comparison is needed.
      await store.commit([], [put, ...writes])
      return true
    } catch (error) {
      if (error instanceof InvariantError) throw error
      log.error({ job: job.id, error }, 'the end of a job cannot be recorded')
      return false
    }
  }

  private show(job: Job, view: JobView): void {
    job.view = view
    this.options.onView(job.id, view)
  }
}

function newJob(id: string, kind: JobKind, input: unknown): Job {
  const none = Promise.resolve()
  const view: JobView = { state: 'running', progress: undefined }
  return { id, kind, input, stop: new AbortController(), view, accepted: none, ended: none }
}

function viewOf(record: JobRecord): JobView {
  switch (record.state) {
    case 'running':
      return { state: 'running', progress: undefined }
    case 'succeeded':
      return { state: 'succeeded', result: record.result }
    case 'failed':
      return { state: 'failed', error: record.error }
  }
}
