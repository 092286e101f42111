/** RestoreDBClusterToPointInTime and RestoreDBClusterFromSnapshot, where the new cluster is one of Aurora: without instances. */
import type {
  CreateDBClusterMessage,
  RestoreDBClusterFromSnapshotMessage,
  RestoreDBClusterToPointInTimeMessage,
} from '@aws-sdk/client-rds'
import { NOTHING } from '#store/collection.ts'
import { requireWhole } from '../automated-backup/whole.ts'
import type { AuroraOrigin } from '../cluster/origin.ts'
import { requireFreeClusterName } from '../cluster/names.ts'
import type { Control, Scope } from '../control.ts'
import { requireRestoreTime } from '../db-cluster/restore-time.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { requireIdentifier, requirePort } from '../db-instance/identifiers.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import type { DbSnapshotRecord, SnapshotSource } from '../db-snapshot/record.ts'
import { joinGlobal } from '../global-cluster/join.ts'
import { anyZone } from '../hosts.ts'
import { checkTags } from '../tag/tags.ts'
import { auroraRestoreWindow, auroraSourceOf } from './backups.ts'
import { strandAt } from './backtracks.ts'
import { joinClones } from './clones.ts'
import { registerAurora, requireRoomForAurora } from './create.ts'
import { auroraKeyOf, type AuroraClusterRecord } from './record.ts'
import { newAuroraSettings, refuseForAurora, requireAurora, resolveAuroraParameterGroup } from './settings.ts'

type ToTime = RestoreDBClusterToPointInTimeMessage & { DBClusterIdentifier: string }
type FromSnapshot = RestoreDBClusterFromSnapshotMessage & { DBClusterIdentifier: string; Engine: string }

export async function restoreAuroraToPointInTime(
  control: Control,
  scope: Scope,
  input: ToTime,
  source: AuroraClusterRecord,
): Promise<AuroraClusterRecord> {
  const id = requireIdentifier('DBClusterIdentifier', input.DBClusterIdentifier)
  await requireFreeClusterName(control, scope, id)
  const isClone = requireRestoreType(input.RestoreType) === 'copy-on-write'
  if (isClone) return cloneAurora(control, scope, { id, input, source })
  const time = requireRestoreTime(source.id, await auroraRestoreWindow(control, source), input)
  const prefix = archivePrefix(await strandAt(control, source, time))
  const restoring = { id, input, source: auroraSourceOf(source) }
  const prepared = await prepare(control, scope, restoring)
  // Any host's agent can read the archive.
  await requireWhole(control, anyZone(control.hosts), { prefix, time })
  return register(control, scope, prepared, { archive: { prefix, time, sourceName: source.id } })
}

const RESTORE_TYPES = ['full-copy', 'copy-on-write']

/** AWS: RDS API reference, RestoreDBClusterToPointInTime, RestoreType. */
function requireRestoreType(type = 'full-copy'): string {
  if (RESTORE_TYPES.includes(type)) return type
  throw invalidValue(`Invalid RestoreType: ${type}. Valid values: ${RESTORE_TYPES.join(', ')}`)
}

interface Cloning {
  readonly id: string
  readonly input: ToTime
  readonly source: AuroraClusterRecord
}

async function cloneAurora(
  control: Control,
  scope: Scope,
  { id, input, source }: Cloning,
): Promise<AuroraClusterRecord> {
  if (input.RestoreToTime !== undefined)
    throw invalidCombination('RestoreToTime cannot be specified when RestoreType is copy-on-write.')
  if (input.UseLatestRestorableTime !== true)
    throw invalidCombination('UseLatestRestorableTime must be true when RestoreType is copy-on-write.')
  const key = auroraKeyOf(source)
  const join = (): ReturnType<typeof joinClones> => joinClones(control, key)
  await join()
  const { draft, wantedPort } = await prepare(control, scope, { id, input, source: auroraSourceOf(source) })
  const origin = { clone: { sourceName: source.id } }
  return registerAurora(control, scope, draft, { wantedPort, secret: NOTHING, join, origin })
}

export async function restoreAuroraFromSnapshot(
  control: Control,
  scope: Scope,
  input: FromSnapshot,
  snapshot: DbSnapshotRecord,
): Promise<AuroraClusterRecord> {
  const id = requireIdentifier('DBClusterIdentifier', input.DBClusterIdentifier)
  await requireFreeClusterName(control, scope, id)
  requireAurora(control, input.Engine)
  const { instance: source } = snapshot
  if (source.engine !== input.Engine)
    throw invalidCombination(`A snapshot of ${source.engine} cannot be restored as ${input.Engine} in Holdfast yet.`)
  const { EngineVersion } = source.settings
  if (input.EngineVersion !== undefined && input.EngineVersion !== EngineVersion)
    throw invalidCombination(`A snapshot of ${EngineVersion} is restored with the same EngineVersion.`)
  if (input.DatabaseName !== undefined)
    throw invalidCombination('DatabaseName is not applicable: the restored cluster has the databases of the snapshot.')
  const prepared = await prepare(control, scope, { id, input, source })
  return register(control, scope, prepared, { snapshot: { id: snapshot.resourceId, name: snapshot.id } })
}

interface Restoring {
  readonly id: string
  readonly input: ToTime | FromSnapshot
  readonly source: SnapshotSource
}

interface Prepared {
  readonly draft: Parameters<typeof registerAurora>[2]
  readonly wantedPort: number
}

/** What the request leaves out is as it was, except what AWS sets to its default: groups, protection, tags. */
async function prepare(control: Control, scope: Scope, { id, input, source }: Restoring): Promise<Prepared> {
  const { settings } = source
  const asked: CreateDBClusterMessage & { Engine: string } = {
    ...input,
    Engine: source.engine,
    EngineVersion: settings.EngineVersion,
    BackupRetentionPeriod: input.BackupRetentionPeriod ?? settings.BackupRetentionPeriod,
    PreferredBackupWindow: input.PreferredBackupWindow ?? settings.PreferredBackupWindow,
    PreferredMaintenanceWindow: settings.PreferredMaintenanceWindow,
    CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? settings.CopyTagsToSnapshot,
  }
  // AWS: RDS API reference, RestoreDBClusterToPointInTime, KmsKeyId.
  if (input.KmsKeyId !== undefined)
    throw invalidCombination(`KmsKeyId cannot be specified: what ${source.id} has is not encrypted.`)
  refuseForAurora(control, scope, asked)
  const version = resolveVersion(control, settings.EngineVersion, 'aurora-postgresql')
  const group = { name: input.DBClusterParameterGroupName, major: version.major }
  const parameterGroup = await resolveAuroraParameterGroup(control, scope, group)
  const wantedPort = requirePort('Port', input.Port ?? source.port)
  await requireRoomForAurora(control, scope)
  const { masterUsername: username, masterVerifier: verifier, databaseName } = source
  return {
    draft: {
      id,
      ...(await newAuroraSettings(control, scope, asked, version)),
      parameterGroup,
      master: { username, verifier, secretArn: undefined, secretKmsKeyId: undefined },
      databaseName,
      tags: checkTags(input.Tags ?? []),
    },
    wantedPort,
  }
}

const register = (
  control: Control,
  scope: Scope,
  { draft, wantedPort }: Prepared,
  origin: AuroraOrigin,
): Promise<AuroraClusterRecord> => {
  // It joins no global database: that is not asked for with a restore.
  const asked = { DBClusterIdentifier: draft.id, Engine: 'aurora-postgresql' }
  const join = (): ReturnType<typeof joinGlobal> => joinGlobal(control, scope, asked)
  return registerAurora(control, scope, draft, { wantedPort, secret: NOTHING, join, origin })
}
