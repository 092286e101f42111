/** RestoreDBClusterToPointInTime and RestoreDBClusterFromSnapshot: a cluster of the kind that its source was. */
import type { RestoreDBClusterFromSnapshotMessage, RestoreDBClusterToPointInTimeMessage } from '@aws-sdk/client-rds'
import { DBClusterAutomatedBackupNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { restoreAuroraFromSnapshot, restoreAuroraToPointInTime } from '../aurora-cluster/restore.ts'
import type { Control, Scope } from '../control.ts'
import { restoreClusterFromSnapshot, restoreClusterToPointInTime } from '../db-cluster/restore.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { requireUsableSnapshot } from '../db-snapshot/find.ts'
import { OF_INSTANCES } from '../db-snapshot/kind.ts'
import { dbSnapshots, type DbSnapshotRecord } from '../db-snapshot/record.ts'
import { allClusters, requireAnyCluster, type AnyCluster } from './names.ts'
import { OF_CLUSTERS } from './snapshot-kind.ts'

type ToTime = RestoreDBClusterToPointInTimeMessage & { readonly DBClusterIdentifier: string }

export async function restoreAnyClusterToPointInTime(
  control: Control,
  scope: Scope,
  input: ToTime,
): Promise<AnyCluster> {
  const source = await requireSource(control, scope, input)
  return source.engine === 'postgres'
    ? restoreClusterToPointInTime(control, scope, input, source)
    : restoreAuroraToPointInTime(control, scope, input, source)
}

type FromSnapshot = RestoreDBClusterFromSnapshotMessage & {
  readonly DBClusterIdentifier: string
  readonly SnapshotIdentifier: string
  readonly Engine: string
}

/** Of a cluster's snapshot, by name or ARN, or of an instance's. */
export async function restoreAnyClusterFromSnapshot(
  control: Control,
  scope: Scope,
  input: FromSnapshot,
): Promise<AnyCluster> {
  const snapshot = await snapshotNamed(control, scope, input.SnapshotIdentifier)
  const restore = input.Engine.startsWith('aurora') ? restoreAuroraFromSnapshot : restoreClusterFromSnapshot
  return restore(control, scope, input, snapshot)
}

/** Of those that are there: no automated backups of a DB cluster are retained here. */
async function requireSource(control: Control, scope: Scope, input: ToTime): Promise<AnyCluster> {
  const { SourceDBClusterIdentifier: name, SourceDbClusterResourceId: resourceId } = input
  if ((name === undefined) === (resourceId === undefined))
    throw invalidCombination('Specify exactly one of SourceDBClusterIdentifier and SourceDbClusterResourceId.')
  if (name !== undefined) return requireAnyCluster(control, scope, name)
  const found = (await allClusters(control, scope)).find((cluster) => cluster.resourceId === resourceId)
  if (!found) throw fault(DBClusterAutomatedBackupNotFoundFault, 'No automated backup for this DB cluster was found.')
  return found
}

async function snapshotNamed(control: Control, scope: Scope, name: string): Promise<DbSnapshotRecord> {
  const isOfInstance =
    (await dbClusterSnapshots(control, scope).get(name.toLowerCase())) === undefined &&
    (name.includes(':snapshot:') || (await dbSnapshots(control, scope).get(name.toLowerCase())) !== undefined)
  return requireUsableSnapshot(control, scope, { kind: isOfInstance ? OF_INSTANCES : OF_CLUSTERS, name })
}
