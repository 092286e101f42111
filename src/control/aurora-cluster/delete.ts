/** DeleteDBCluster of an Aurora cluster: its volume goes, when no instance is left. */
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { started } from '../db-instance/started.ts'
import { memberRecords, requireAuroraCluster } from './find.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf, type AuroraClusterRecord } from './record.ts'

interface Input {
  readonly DBClusterIdentifier: string
  readonly SkipFinalSnapshot?: boolean | undefined
  readonly FinalDBSnapshotIdentifier?: string | undefined
  readonly DeleteAutomatedBackups?: boolean | undefined
}

export async function deleteAuroraCluster(control: Control, scope: Scope, input: Input): Promise<AuroraClusterRecord> {
  refuseFinalSnapshot(input)
  if (input.DeleteAutomatedBackups === false)
    throw invalidCombination('Automated backups of an Aurora DB cluster cannot be retained yet.')
  const { record, flowId } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, input.DBClusterIdentifier)
    const { id, phase, settings } = held.value
    if (phase === 'deleting') throw invalidClusterState(`Cluster ${id} is already being deleted.`)
    if (held.value.global)
      throw invalidClusterState('This cluster is a part of a global cluster, please remove it from globalcluster first')
    if (settings.DeletionProtection)
      throw invalidCombination('Cannot delete protected Cluster, please disable deletion protection and try again.')
    const members = [...(await memberRecords(control, held.value)).values()]
    // Those that are on their way out may still be there: the flow waits for them.
    if (members.some(({ value }) => value.phase !== 'deleting'))
      throw invalidClusterState('Cluster cannot be deleted, it still contains DB instances in non-deleting state.')
    const record: AuroraClusterRecord = { ...held.value, phase: 'deleting' }
    const key = auroraKeyOf(record)
    const flow = await control.flows.supersede('delete-aurora-cluster', auroraSubjectOf(key), { key })
    return {
      mutation: together(auroraClusters(control, scope).update(held, record), flow.writes),
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
  throw invalidCombination('Final snapshots of Aurora DB clusters are not available yet: specify SkipFinalSnapshot.')
}
