/** An instance that is a replica no more: its source keeps no log for it any longer. */
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import {
  findByKey,
  keyOf,
  parametersSubjectOf,
  timerSubjectOf,
  type DbInstanceRecord,
  type InstanceKey,
} from '../db-instance/record.ts'
import { dropReplica, replicasOf } from './replicas.ts'

/** Writes that take the instance off its source's list, and have the source told so. */
export async function leaveSource(control: Control, { replica, ...record }: DbInstanceRecord): Promise<Mutation> {
  if (!replica) return NOTHING
  const source = await findByKey(control, replica.source)
  return together(
    await dropReplica(control, replica.source, keyOf(record)),
    source?.value.phase !== 'deleting' && source ? await tell(control, replica.source) : NOTHING,
  )
}

/** The flow that brings changed parameters brings the whole spec, and waits until the instance can take it. */
async function tell(control: Control, key: InstanceKey): Promise<Mutation> {
  const at = control.clock.now()
  return (await control.flows.supersede('apply-db-parameters', parametersSubjectOf(key), { key, at })).writes
}

/** Jobs for a replica that is being made run on its source's host, too. */
export async function cancelAtSource(control: Control, record: DbInstanceRecord): Promise<void> {
  const zone = await zoneOfSource(control, record)
  if (zone !== undefined) await control.hosts.cancelJobs(zone, `${record.resourceId}/`)
}

export async function forgetAtSource(control: Control, record: DbInstanceRecord): Promise<void> {
  const zone = await zoneOfSource(control, record)
  if (zone !== undefined) await control.hosts.forgetJobs(zone, `${record.resourceId}/`)
}

const zoneOfSource = async (control: Control, { replica }: DbInstanceRecord): Promise<string | undefined> =>
  replica && (await findByKey(control, replica.source))?.value.zone

/** Replicas of an instance that is gone look, find that, and go their own ways. */
export async function wakeReplicas(control: Control, source: InstanceKey): Promise<void> {
  for (const key of await replicasOf(control, source)) control.flows.wakeSubjects(timerSubjectOf(key, 'replica'))
}
