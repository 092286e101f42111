/** RebootDBInstance of an instance of an Aurora cluster, and what else restarts one. */
import { together, type Mutation } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable } from '../db-cluster/faults.ts'
import { instanceNotAvailable, invalidCombination } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'
import { instanceEvent } from '../flows/context.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, findAuroraCluster, isWriter } from './record.ts'
import { auroraStatusOf } from './sight.ts'

/** Newly associated groups come into force, and so do values that wait for a reboot. The cluster's group: with the writes. */
export const adopting = ({ clock }: Pick<Control, 'clock'>, record: DbInstanceRecord): DbInstanceRecord => ({
  ...record,
  appliedParameterGroup: record.parameterGroup,
  parametersAsOf: clock.now(),
  parameterStatus: 'in-sync',
  complaint: undefined,
})

export interface Restart {
  readonly record: DbInstanceRecord
  readonly flowId: string
  /** But for the record's own. */
  readonly writes: Mutation
}

/**
 * What restarts the instance where it is. A writer never simply starts again: it begins an epoch, which is the cluster's
 * business. Throws where the cluster is in the middle of something.
 */
export async function restartMember(
  control: Control,
  record: DbInstanceRecord,
  why: 'reboot' | 'modify',
): Promise<Restart> {
  const held = (await findAuroraCluster(control, record.cluster!))!
  const cluster = held.value
  const restarted: DbInstanceRecord = {
    ...record,
    aurora: { ...record.aurora!, appliedClusterGroup: cluster.parameterGroup },
  }
  if (!isWriter(cluster, record)) {
    const flow = control.flows.start('restart-aurora-reader', subjectOf(keyOf(record)), { key: keyOf(record) })
    return { record: restarted, flowId: flow.id, writes: flow.writes }
  }
  const status = auroraStatusOf(control, cluster)
  if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
  const key = auroraKeyOf(cluster)
  const flow = control.flows.start('start-aurora-writer', auroraSubjectOf(key), {
    key,
    why,
    because: 'The DB instance is restarted.',
    target: record.resourceId,
  })
  // The cluster must not have changed: it may have another writer by now.
  const writes = together(auroraClusters(control, cluster).update(held, cluster), flow.writes)
  return { record: restarted, flowId: flow.id, writes }
}

export async function rebootAuroraMember(
  control: Control,
  scope: Scope,
  input: { readonly DBInstanceIdentifier: string; readonly ForceFailover?: boolean | undefined },
): Promise<DbInstanceRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    const { id, cluster } = held.value
    if (input.ForceFailover)
      throw invalidCombination(
        `The DB instance ${id} is a member of the DB cluster ${cluster!.id}: use FailoverDBCluster.`,
      )
    const status = statusOf(control, held.value)
    if (!['available', 'incompatible-parameters', 'storage-full'].includes(status))
      throw instanceNotAvailable(id, status)
    const asked: DbInstanceRecord = { ...adopting(control, held.value), phase: 'rebooting' }
    const { record, flowId, writes } = await restartMember(control, asked, 'reboot')
    return {
      mutation: together(
        dbInstances(control, scope).update(held, record),
        instanceEvent(control, record, 'RDS-EVENT-0004'),
        writes,
      ),
      result: { record, flowId },
    }
  })
  await started(control, flowId)
  return record
}
