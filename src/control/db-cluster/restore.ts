/** RestoreDBClusterToPointInTime and RestoreDBClusterFromSnapshot: a new cluster with what another one had. */
import type {
  CreateDBClusterMessage,
  RestoreDBClusterFromSnapshotMessage,
  RestoreDBClusterToPointInTimeMessage,
} from '@aws-sdk/client-rds'
import { InvalidRestoreFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { NOTHING } from '#store/collection.ts'
import { requireWhole } from '../automated-backup/whole.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { requirePort } from '../db-instance/identifiers.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { checkTags } from '../tag/tags.ts'
import type { DbSnapshotRecord, SnapshotSource } from '../db-snapshot/record.ts'
import { clusterRestoreWindow, clusterSourceOf } from './backups.ts'
import { registerCluster, requireClusterIdentifier, requireRoomForCluster } from './create.ts'
import type { ClusterOrigin } from '../cluster/origin.ts'
import { requireFreeClusterName } from '../cluster/names.ts'
import { clusterKeyOf, memberIn, type DbClusterRecord } from './record.ts'
import { newClusterSettings, refuseForCluster, resolveClusterParameterGroup } from './settings.ts'
import { requireRestoreTime } from './restore-time.ts'

type Input = RestoreDBClusterToPointInTimeMessage & { DBClusterIdentifier: string }

export async function restoreClusterToPointInTime(
  control: Control,
  scope: Scope,
  input: Input,
  source: DbClusterRecord,
): Promise<DbClusterRecord> {
  const id = requireClusterIdentifier(input.DBClusterIdentifier)
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

/** Of a cluster's snapshot, or of an instance's. */
export async function restoreClusterFromSnapshot(
  control: Control,
  scope: Scope,
  input: FromSnapshot,
  snapshot: DbSnapshotRecord,
): Promise<DbClusterRecord> {
  const id = requireClusterIdentifier(input.DBClusterIdentifier)
  await requireFreeClusterName(control, scope, id)
  const { instance: source } = snapshot
  if (source.engine !== 'postgres')
    throw invalidCombination(`A snapshot of ${source.engine} cannot be restored as ${input.Engine}.`)
  if (input.EngineVersion !== undefined && input.EngineVersion !== source.settings.EngineVersion)
    throw invalidCombination(`A snapshot of ${source.settings.EngineVersion} is restored with the same EngineVersion.`)
  if (input.DatabaseName !== undefined) throw invalidCombination('DatabaseName is not applicable for engine postgres.')
  const { EngineVersion: _same, DatabaseName: _none, ...wanted } = input
  const asked = { ...askedOf(source, wanted), Engine: input.Engine }
  refuseForCluster(control, asked)
  const origin = { snapshot: { id: snapshot.resourceId, name: snapshot.id } }
  return restoreCluster(control, scope, { id, input, asked, source, origin })
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
async function requireTime(control: Control, source: DbClusterRecord, asked: Input): Promise<number | undefined> {
  if (source.settings.BackupRetentionPeriod === 0)
    throw fault(
      InvalidRestoreFault,
      `Point in time restore is not enabled for the DB cluster ${source.id}: its BackupRetentionPeriod is 0.`,
    )
  return requireRestoreTime(source.id, await clusterRestoreWindow(control, source), asked)
}
