/** What the steps of control's flows work with. */
import { Trouble } from '#base/trouble.ts'
import type { FlowFacts } from '#flow/flow.ts'
import type { Held, Mutation } from '#store/collection.ts'
import type { JobError, JobKind, JobKinds } from '#wire/agent/messages.ts'
import type { EventId } from '#catalog/events.ts'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import { dbInstances, findByKey, type DbInstanceRecord, type InstanceKey } from '../db-instance/record.ts'
import { recordEvent } from '../event/event.ts'

export interface FlowContext<Input> extends FlowFacts<Input> {
  readonly control: Control
}

export interface InstanceInput {
  readonly key: InstanceKey
}

/** The flow's instance. Undefined once it is deleted: whatever the flow wanted, there is nothing left to do it to. */
export const instanceOf = (c: FlowContext<InstanceInput>): Promise<Held<DbInstanceRecord> | undefined> =>
  findByKey(c.control, c.input.key)

/** The write that puts another record in the place of one that was read, for a step's transaction. */
export const replace = (
  c: FlowContext<InstanceInput>,
  held: Held<DbInstanceRecord>,
  record: DbInstanceRecord,
): Mutation => dbInstances(c.control, c.input.key).update(held, record)

/** The write that changes a record, for a step's transaction. */
export const change = (
  c: FlowContext<InstanceInput>,
  held: Held<DbInstanceRecord>,
  changes: Partial<DbInstanceRecord>,
): Mutation => replace(c, held, { ...held.value, ...changes })

export function instanceEvent(control: Control, record: DbInstanceRecord, id: EventId, message?: string): Mutation {
  return recordEvent(control, record, {
    id,
    sourceType: 'db-instance',
    sourceId: record.id,
    sourceArn: rdsArn(record, 'db', record.id),
    ...(message !== undefined && { message }),
  })
}

export type JobOutcome<K extends JobKind> =
  | { readonly state: 'pending' }
  | { readonly state: 'succeeded'; readonly result: JobKinds[K]['result'] }
  | { readonly state: 'failed'; readonly error: JobError }

/** A job of this flow. `name` makes it one: asking again, also after a restart, finds the same job. */
interface JobRequest<K extends JobKind> {
  readonly zone: string
  /** Resource that the job is about; jobs of one resource can be cancelled and forgotten together. */
  readonly resourceId: string
  readonly name: string
  readonly kind: K
  /** Made only when the job has to be started. */
  readonly input: () => Promise<JobKinds[K]['input']>
}

/** Starts the job if it was never started, and says how it stands. The agent's report wakes the flow. */
export async function job<K extends JobKind>(
  c: Pick<FlowContext<unknown>, 'control' | 'flowId'>,
  request: JobRequest<K>,
): Promise<JobOutcome<K>> {
  const { hosts } = c.control
  const id = `${request.resourceId}/${c.flowId}/${request.name}`
  let view = await hosts.job(request.zone, id)
  if (view.state === 'absent') {
    await hosts.startJob(request.zone, id, request.kind, await request.input())
    view = await hosts.job(request.zone, id)
  }
  switch (view.state) {
    case 'absent':
    case 'running':
      return { state: 'pending' }
    case 'succeeded':
      return { state: 'succeeded', result: view.result as JobKinds[K]['result'] }
    case 'failed':
      if (view.error.code !== 'stale-spec') return { state: 'failed', error: view.error }
      // What it was asked with is void: it is asked again with what is so by now.
      await hosts.forgetJobs(request.zone, id)
      throw new Trouble('the instance has changed meanwhile', { culprit: 'us', retryable: true })
  }
}

/** A job about a resource, on the host that has it. */
export const jobOn = <K extends JobKind>(
  c: Pick<FlowContext<unknown>, 'control' | 'flowId'>,
  { zone, resourceId }: Pick<DbInstanceRecord, 'zone' | 'resourceId'>,
  request: Pick<JobRequest<K>, 'name' | 'kind' | 'input'>,
): Promise<JobOutcome<K>> => job(c, { ...request, zone, resourceId })

/** The flow that a job belongs to, from the job's id. */
export const flowIdOfJob = (jobId: string): string | undefined => jobId.split('/')[1]
