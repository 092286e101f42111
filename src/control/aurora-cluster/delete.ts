/** DeleteDBCluster of an Aurora cluster: its volume goes, when no instance is left. */
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import { newClusterSnapshot, requireFreeSnapshotName } from '../cluster/snapshots.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { requireSnapshotName } from '../db-snapshot/create.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { snapshotEvent } from '../flows/snapshot-writes.ts'
import { requireQuota } from '../quota/quotas.ts'
import { auroraSourceOf } from './backups.ts'
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
  const finalName = finalSnapshotName(input)
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
    if ((phase === 'failed' || phase === 'cloning-failed') && finalName !== undefined)
      throw invalidClusterState(`Cluster ${id} has failed, and nothing that a final snapshot could be made of.`)
    const final = finalName === undefined ? undefined : await finalSnapshotOf(control, held.value, finalName)
    const flow = await control.flows.supersede('delete-aurora-cluster', auroraSubjectOf(key), {
      key,
      ...(final && { final: { name: final.record.id, resourceId: final.record.resourceId } }),
    })
    return {
      mutation: together(auroraClusters(control, scope).update(held, record), final?.writes ?? NOTHING, flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

/** Its record, and the writes that announce it. */
async function finalSnapshotOf(
  control: Control,
  cluster: AuroraClusterRecord,
  id: string,
): Promise<{ readonly record: DbSnapshotRecord; readonly writes: Mutation }> {
  await requireFreeSnapshotName(control, cluster, id)
  await requireQuota(control, cluster, 'ManualClusterSnapshots')
  const tags = cluster.settings.CopyTagsToSnapshot ? cluster.tags : []
  const own = { id, tags, instance: auroraSourceOf(cluster), zone: control.hosts.zones[0]! }
  const record = newClusterSnapshot(control, cluster, own)
  const event = snapshotEvent(control, OF_CLUSTERS, record, 'creating')
  return { record, writes: together(dbClusterSnapshots(control, cluster).create(id, record), event) }
}

/** Undefined: none is asked for. */
function finalSnapshotName({ SkipFinalSnapshot, FinalDBSnapshotIdentifier }: Input): string | undefined {
  if (SkipFinalSnapshot && FinalDBSnapshotIdentifier !== undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled.')
  if (SkipFinalSnapshot) return undefined
  if (FinalDBSnapshotIdentifier === undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.')
  return requireSnapshotName('FinalDBSnapshotIdentifier', FinalDBSnapshotIdentifier)
}
