/** FailoverDBCluster. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { instanceIdOf } from '../db-instance/find.ts'
import { started } from '../db-instance/started.ts'
import { clusterNotAvailable, invalidClusterState } from './faults.ts'
import { requireCluster } from './find.ts'
import { clusterKeyOf, clusterSubjectOf, dbClusters, type DbClusterRecord } from './record.ts'
import { canElect, clusterStatusOf } from './sight.ts'

interface Input {
  readonly DBClusterIdentifier: string
  readonly TargetDBInstanceIdentifier?: string | undefined
}

/** The writer ends in order, and a reader takes over: the one that is asked for, unless the other's log is longer. */
export async function failoverDbCluster(control: Control, scope: Scope, input: Input): Promise<DbClusterRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireCluster(control, scope, input.DBClusterIdentifier)
    const cluster = held.value
    const target = targetIn(scope, cluster, input.TargetDBInstanceIdentifier)
    const status = clusterStatusOf(control, cluster)
    if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
    if (!canElect(control, cluster) || (target !== undefined && !cluster.electorate.includes(target)))
      throw invalidClusterState(`DB cluster ${cluster.id} has no reader that could take over now. Try again later.`)
    const record: DbClusterRecord = { ...cluster, phase: 'failing-over' }
    const key = clusterKeyOf(cluster)
    const flow = control.flows.start('recover-db-cluster', clusterSubjectOf(key), {
      key,
      isForced: true,
      because: 'A failover was requested.',
      ...(target !== undefined && { target }),
    })
    return {
      mutation: together(dbClusters(control, scope).update(held, record), flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

/** Zone of the reader that is asked for. */
function targetIn(scope: Scope, cluster: DbClusterRecord, idOrArn: string | undefined): string | undefined {
  if (idOrArn === undefined) return undefined
  const id = instanceIdOf(scope, idOrArn)
  const member = cluster.members.find((one) => one.id === id)
  if (!member) throw invalidCombination(`The DB instance ${idOrArn} is not a member of the DB cluster ${cluster.id}.`)
  if (member.zone === cluster.writer)
    throw invalidCombination(`The DB instance ${idOrArn} is the writer of the DB cluster ${cluster.id} already.`)
  return member.zone
}
