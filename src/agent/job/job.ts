/** What a job is to the table that keeps it: something that runs to an end, once or, after a crash, again. */
import type { Op } from '#store/store.ts'
import type { JobError, JobKind, JobKinds } from '#wire/agent/messages.ts'

export interface JobContext {
  /** Aborts when the job is cancelled or the agent shuts down; the job undoes what is half-made, and throws. */
  readonly signal: AbortSignal
  /** What it does now, for a person to read. */
  progress(text: string): void
  /** Names the point between two effects that it has come to. The fault walk kills the agent at each. */
  reached(phase: string): void
}

export interface JobOutcome<Result = unknown> {
  readonly result: Result
  /** Written in the same transaction as the job's end, so that neither is there without the other. */
  readonly writes?: readonly Op[]
  /** Called once that transaction is done. */
  readonly onRecorded?: () => void
}

/**
 * How each kind is done. Each may be run again from its start at any time until its end is recorded, on whatever the
 * interrupted run left.
 */
export type JobRunners = {
  readonly [K in JobKind]: (
    input: JobKinds[K]['input'],
    context: JobContext,
  ) => Promise<JobOutcome<JobKinds[K]['result']>>
}

/** A job in the store, under `job/<id>`. */
export type JobRecord =
  /** The input may hold a private key, and leaves the table with the job's end. */
  | { readonly state: 'running'; readonly kind: JobKind; readonly input: unknown }
  | { readonly state: 'succeeded'; readonly kind: JobKind; readonly result: unknown }
  | { readonly state: 'failed'; readonly kind: JobKind; readonly error: JobError }

/** The instance that a job works on; undefined: none. */
export function instanceIdOf(kind: JobKind, input: unknown): string | undefined {
  if (!kind.startsWith('instance.')) return undefined
  const { id, spec } = input as { id?: string; spec?: { id: string } }
  return spec?.id ?? id
}

/** What a job works on: jobs on the same thing run one after the other. Undefined: it gets in nobody's way. */
export function subjectOf(kind: JobKind, input: unknown): string | undefined {
  const instanceId = instanceIdOf(kind, input)
  if (instanceId !== undefined) return instanceSubject(instanceId)
  const { snapshotId, targetId } = input as { snapshotId?: string; targetId?: string }
  const snapshot = targetId ?? snapshotId
  return snapshot === undefined ? undefined : `snapshot/${snapshot}`
}

export function instanceSubject(id: string): string {
  return `instance/${id}`
}
