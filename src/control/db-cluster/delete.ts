/** DeleteDBCluster. It may interrupt anything: its flow takes the place of the one that is alive. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { invalidClusterState } from './faults.ts'
import { requireCluster } from './find.ts'
import {
  backupSubjectOf,
  clusterKeyOf,
  clusterSubjectOf,
  dbClusters,
  keeperSubjectOf,
  passwordSubjectOf,
  type DbClusterRecord,
} from './record.ts'

interface Input {
  readonly DBClusterIdentifier: string
  readonly SkipFinalSnapshot?: boolean | undefined
  readonly FinalDBSnapshotIdentifier?: string | undefined
  readonly DeleteAutomatedBackups?: boolean | undefined
}

export async function deleteDbCluster(control: Control, scope: Scope, input: Input): Promise<DbClusterRecord> {
  refuseFinalSnapshot(input)
  // AWS: RDS user guide, Retaining automated backups: of DB instances alone.
  if (input.DeleteAutomatedBackups === false)
    throw invalidCombination('Automated backups of a Multi-AZ DB cluster cannot be retained.')
  const { record, flowId } = await transact(control, async () => {
    const held = await requireCluster(control, scope, input.DBClusterIdentifier)
    const { id, phase, settings, members } = held.value
    if (phase === 'deleting') throw invalidClusterState(`Cluster ${id} is already being deleted.`)
    if (settings.DeletionProtection)
      throw invalidCombination('Cannot delete protected Cluster, please disable deletion protection and try again.')
    const record: DbClusterRecord = { ...held.value, phase: 'deleting' }
    const key = clusterKeyOf(record)
    const flow = await control.flows.supersede('delete-db-cluster', clusterSubjectOf(key), { key })
    const subjects = [keeperSubjectOf(key), passwordSubjectOf(key), backupSubjectOf(key)]
    const others = await Promise.all(subjects.map((one) => control.flows.of(one)))
    const found = await Promise.all(members.map((member) => dbInstances(control, scope).get(member.id)))
    return {
      mutation: together(
        dbClusters(control, scope).update(held, record),
        ...found.flatMap((member) =>
          member ? [dbInstances(control, scope).update(member, { ...member.value, phase: 'deleting' })] : [],
        ),
        { compares: [], ops: others.flatMap((one) => (one ? control.flows.removal(one.id, one.subject) : [])) },
        flow.writes,
      ),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

function refuseFinalSnapshot({ SkipFinalSnapshot, FinalDBSnapshotIdentifier }: Input): void {
  if (SkipFinalSnapshot && FinalDBSnapshotIdentifier !== undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled.')
  if (SkipFinalSnapshot) return
  if (FinalDBSnapshotIdentifier === undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.')
  throw invalidCombination(
    'Final snapshots of DB clusters are not available yet: use CreateDBClusterSnapshot, then specify SkipFinalSnapshot.',
  )
}
