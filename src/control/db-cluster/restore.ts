/** RestoreDBClusterToPointInTime and RestoreDBClusterFromSnapshot: a new cluster with what another one had. */
import type {
  CreateDBClusterMessage,
  RestoreDBClusterFromSnapshotMessage,
  RestoreDBClusterToPointInTimeMessage,
} from '@aws-sdk/client-rds'
import {
  DBClusterAutomatedBackupNotFoundFault,
  InvalidDBClusterStateFault,
  InvalidDBSnapshotStateFault,
  InvalidRestoreFault,
} from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { NOTHING } from '#store/collection.ts'
import { requireWhole } from '../automated-backup/whole.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { requirePort } from '../db-instance/identifiers.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { checkTags } from '../tag/tags.ts'
import { requireReadableSnapshot } from '../db-snapshot/find.ts'
import { dbSnapshots, type DbSnapshotRecord, type SnapshotSource } from '../db-snapshot/record.ts'
import { clusterRestoreWindow, clusterSourceOf } from './backups.ts'
import { registerCluster, requireClusterIdentifier, requireRoomForCluster } from './create.ts'
import { requireFreeClusterName } from '../cluster/names.ts'
import { requireCluster } from './find.ts'
import { clusterKeyOf, dbClusters, memberIn, type ClusterOrigin, type DbClusterRecord } from './record.ts'
import { newClusterSettings, refuseForCluster, resolveClusterParameterGroup } from './settings.ts'
import { dbClusterSnapshots } from './snapshot-record.ts'
import { requireUsableClusterSnapshot } from './snapshots.ts'

type Input = RestoreDBClusterToPointInTimeMessage & { DBClusterIdentifier: string }

export async function restoreClusterToPointInTime(
  control: Control,
  scope: Scope,
  input: Input,
): Promise<DbClusterRecord> {
  const id = requireClusterIdentifier(input.DBClusterIdentifier)
  const source = await requireSource(control, scope, input)
  await requireFreeClusterName(control, scope, id)
  if (input.RestoreType !== undefined && input.RestoreType !== 'full-copy')
    throw invalidCombination('Only RestoreType full-copy is available for Multi-AZ DB clusters.')
  const asked = askedOf(source, input)
  refuseForCluster(control, asked)
  const time = await requireTime(control, source, input)
  const prefix = archivePrefix(clusterKeyOf(source))
  await requireWhole(control, memberIn(source, source.writer).zone, { prefix, time })
  return restoreCluster(control, scope, {
    id,
    input,
    asked,
    source: clusterSourceOf(source),
    origin: { archive: { prefix, time, sourceName: source.id } },
  })
}

type FromSnapshot = RestoreDBClusterFromSnapshotMessage & {
  readonly DBClusterIdentifier: string
  readonly SnapshotIdentifier: string
  readonly Engine: string
}

/** Of a cluster's snapshot, by name or ARN, or of an instance's. */
export async function restoreClusterFromSnapshot(
  control: Control,
  scope: Scope,
  input: FromSnapshot,
): Promise<DbClusterRecord> {
  const id = requireClusterIdentifier(input.DBClusterIdentifier)
  const snapshot = await snapshotNamed(control, scope, input.SnapshotIdentifier)
  await requireFreeClusterName(control, scope, id)
  const { instance: source } = snapshot
  if (input.EngineVersion !== undefined && input.EngineVersion !== source.settings.EngineVersion)
    throw invalidCombination(`A snapshot of ${source.settings.EngineVersion} is restored with the same EngineVersion.`)
  if (input.DatabaseName !== undefined) throw invalidCombination('DatabaseName is not applicable for engine postgres.')
  const { EngineVersion: _same, DatabaseName: _none, ...wanted } = input
  const asked = { ...askedOf(source, wanted), Engine: input.Engine }
  refuseForCluster(control, asked)
  const origin = { snapshot: { id: snapshot.resourceId, name: snapshot.id } }
  return restoreCluster(control, scope, { id, input, asked, source, origin })
}

async function snapshotNamed(control: Control, scope: Scope, name: string): Promise<DbSnapshotRecord> {
  const isOfInstance =
    (await dbClusterSnapshots(control, scope).get(name.toLowerCase())) === undefined &&
    (name.includes(':snapshot:') || (await dbSnapshots(control, scope).get(name.toLowerCase())) !== undefined)
  if (!isOfInstance) return requireUsableClusterSnapshot(control, scope, name)
  const { value } = await requireReadableSnapshot(control, scope, name)
  if (value.status !== 'available')
    throw fault(
      InvalidDBSnapshotStateFault,
      `Snapshot ${value.id} is not in the available state: it is ${value.status}.`,
    )
  return value
}

interface Restoring {
  readonly id: string
  readonly input: Pick<Input, 'DBClusterParameterGroupName' | 'Tags' | 'Port'>
  readonly asked: CreateDBClusterMessage
  readonly source: SnapshotSource
  readonly origin: ClusterOrigin
}

async function restoreCluster(
  control: Control,
  scope: Scope,
  { id, input, asked, source, origin }: Restoring,
): Promise<DbClusterRecord> {
  await requireRoomForCluster(control, scope)
  const version = resolveVersion(control, source.settings.EngineVersion)
  const parameterGroup = await resolveClusterParameterGroup(control, scope, {
    name: input.DBClusterParameterGroupName ?? `default.postgres${version.major}`,
    engineVersion: version.version,
  })
  return registerCluster(control, scope, {
    draft: {
      id,
      settings: await newClusterSettings(control, scope, asked, version),
      parameterGroup,
      master: {
        username: source.masterUsername,
        verifier: source.masterVerifier,
        secretArn: undefined,
        secretKmsKeyId: undefined,
      },
      databaseName: source.databaseName,
      tags: checkTags(input.Tags ?? []),
    },
    wantedPort: requirePort('Port', input.Port ?? control.ports.preferred),
    extra: NOTHING,
    origin,
  })
}

/** Of those that are there: RDS retains no automated backups of a Multi-AZ DB cluster. */
async function requireSource(control: Control, scope: Scope, input: Input): Promise<DbClusterRecord> {
  const { SourceDBClusterIdentifier: name, SourceDbClusterResourceId: resourceId } = input
  if ((name === undefined) === (resourceId === undefined))
    throw invalidCombination('Specify exactly one of SourceDBClusterIdentifier and SourceDbClusterResourceId.')
  if (name !== undefined) return (await requireCluster(control, scope, name)).value
  const found = (await dbClusters(control, scope).list()).find(({ value }) => value.resourceId === resourceId)
  if (!found) throw fault(DBClusterAutomatedBackupNotFoundFault, 'No automated backup for this DB cluster was found.')
  return found.value
}

type Wanted = Input | Omit<FromSnapshot, 'EngineVersion' | 'DatabaseName'>

/** What the request leaves out is as it was, except what AWS sets to its default: groups, protection, tags. */
function askedOf(
  { settings: from, engine }: Pick<SnapshotSource, 'settings' | 'engine'>,
  input: Wanted,
): CreateDBClusterMessage {
  return {
    ...input,
    Engine: engine,
    DBClusterInstanceClass: input.DBClusterInstanceClass ?? from.DBInstanceClass,
    AllocatedStorage: from.AllocatedStorage,
    StorageType: input.StorageType ?? from.StorageType,
    Iops: input.Iops ?? (input.StorageType === undefined ? from.Iops : undefined),
    BackupRetentionPeriod: input.BackupRetentionPeriod ?? from.BackupRetentionPeriod,
    PreferredBackupWindow: input.PreferredBackupWindow ?? from.PreferredBackupWindow,
    PreferredMaintenanceWindow: from.PreferredMaintenanceWindow,
    CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? from.CopyTagsToSnapshot,
  }
}

/** Undefined: the latest. */
async function requireTime(
  control: Control,
  source: DbClusterRecord,
  { RestoreToTime, UseLatestRestorableTime }: Input,
): Promise<number | undefined> {
  if (source.settings.BackupRetentionPeriod === 0)
    throw fault(
      InvalidRestoreFault,
      `Point in time restore is not enabled for the DB cluster ${source.id}: its BackupRetentionPeriod is 0.`,
    )
  const window = await clusterRestoreWindow(control, source)
  if (!window)
    throw fault(InvalidDBClusterStateFault, `The DB cluster ${source.id} has no backup yet that could be restored.`)
  if (UseLatestRestorableTime) {
    if (RestoreToTime !== undefined)
      throw invalidCombination('RestoreToTime cannot be specified when UseLatestRestorableTime is true.')
    return undefined
  }
  if (RestoreToTime === undefined)
    throw invalidCombination('Either RestoreToTime or UseLatestRestorableTime must be specified.')
  const time = RestoreToTime.getTime()
  if (!(time >= window.from && time <= window.to))
    throw invalidValue(
      `The DB cluster ${source.id} cannot be restored to ${RestoreToTime.toISOString()}: it can be restored to times ` +
        `from ${new Date(window.from).toISOString()} to ${new Date(window.to).toISOString()}.`,
    )
  return time
}
