/** FailoverDBCluster of an Aurora cluster. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { instanceIdOf } from '../db-instance/find.ts'
import { started } from '../db-instance/started.ts'
import { memberRecords, requireAuroraCluster } from './find.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, isSecondary, type AuroraClusterRecord } from './record.ts'
import { auroraStatusOf, candidatesIn } from './sight.ts'
import { chooseSuccessor } from './successor.ts'

interface Input {
  readonly DBClusterIdentifier: string
  readonly TargetDBInstanceIdentifier?: string | undefined
}

/** The writer ends in order, and a reader takes over: the one that is asked for, else the first by the rules. */
export async function failoverAuroraCluster(
  control: Control,
  scope: Scope,
  input: Input,
): Promise<AuroraClusterRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, input.DBClusterIdentifier)
    const cluster = held.value
    if (isSecondary(cluster))
      throw invalidClusterState(`DB cluster ${cluster.id} is a secondary cluster: it has no writer to fail over.`)
    const target = targetIn(scope, cluster, input.TargetDBInstanceIdentifier)
    const status = auroraStatusOf(control, cluster)
    if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
    const candidates = candidatesIn(control, cluster, await memberRecords(control, cluster))
    const able = target === undefined ? candidates : candidates.filter(({ resourceId }) => resourceId === target)
    const chosen = chooseSuccessor(able, undefined)
    if (!chosen)
      throw invalidClusterState(`DB cluster ${cluster.id} has no reader that could take over now. Try again later.`)
    const record: AuroraClusterRecord = { ...cluster, phase: 'failing-over' }
    const key = auroraKeyOf(cluster)
    const flow = control.flows.start('start-aurora-writer', auroraSubjectOf(key), {
      key,
      why: 'failover',
      because: 'A failover was requested.',
      target: chosen.resourceId,
    })
    return {
      mutation: together(auroraClusters(control, scope).update(held, record), flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

/** Resource id of the reader that is asked for. */
function targetIn(scope: Scope, cluster: AuroraClusterRecord, idOrArn: string | undefined): string | undefined {
  if (idOrArn === undefined) return undefined
  const id = instanceIdOf(scope, idOrArn)
  const member = cluster.members.find((one) => one.id === id)
  if (!member) throw invalidCombination(`The DB instance ${idOrArn} is not a member of the DB cluster ${cluster.id}.`)
  if (member.resourceId === cluster.writer)
    throw invalidCombination(`The DB instance ${idOrArn} is the writer of the DB cluster ${cluster.id} already.`)
  return member.resourceId
}
