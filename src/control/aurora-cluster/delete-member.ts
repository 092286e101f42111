/** DeleteDBInstance of an instance of an Aurora cluster. The data is the cluster's, and stays. */
import { together, type Held } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination, invalidState } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { findAuroraCluster } from './record.ts'

interface Input {
  readonly DBInstanceIdentifier: string
  readonly FinalDBSnapshotIdentifier?: string | undefined
  readonly DeleteAutomatedBackups?: boolean | undefined
}

/** Where it is the writer, a reader takes over first. It may interrupt anything that the instance does. */
export async function deleteAuroraMember(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  if (input.FinalDBSnapshotIdentifier !== undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance')
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    if (held.value.phase === 'deleting') throw invalidState(`Instance ${held.value.id} is already being deleted.`)
    await requireDeletable(control, held)
    const record: DbInstanceRecord = { ...held.value, phase: 'deleting' }
    const key = keyOf(record)
    const flow = await control.flows.supersede('delete-aurora-member', subjectOf(key), { key })
    return {
      mutation: together(dbInstances(control, scope).update(held, record), flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

/** While the cluster is brought up or down its instances are that flow's. */
async function requireDeletable(control: Control, { value }: Held<DbInstanceRecord>): Promise<void> {
  const cluster = (await findAuroraCluster(control, value.cluster!))?.value
  if (cluster && ['stopping', 'starting', 'failing-over', 'backtracking'].includes(cluster.phase))
    throw invalidClusterState(`DB cluster ${cluster.id} is not currently available: its status is ${cluster.phase}.`)
}
