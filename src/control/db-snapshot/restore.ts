/** RestoreDBInstanceFromDBSnapshot: always a new instance. */
import { NOTHING } from '#store/collection.ts'
import type { RestoreDBInstanceFromDBSnapshotMessage } from '@aws-sdk/client-rds'
import { rdsArn } from '../arn.ts'
import { leastGrownGiB } from '#catalog/storage.ts'
import { refuseUnavailable } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { register } from '../db-instance/create.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import { instanceExists, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { requireIdentifier, requirePort } from '../db-instance/identifiers.ts'
import { newMaster } from '../db-instance/master.ts'
import { chooseZone, refuseZoneOfMultiAz } from '../db-instance/placement.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { newSettings, resolveParameterGroup, resolveVersion } from '../db-instance/settings.ts'
import { majorOf } from '../db-instance/spec.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { requireUsableSnapshot } from './find.ts'
import { OF_INSTANCES } from './kind.ts'
import type { SnapshotSource } from './record.ts'

type Input = RestoreDBInstanceFromDBSnapshotMessage & { DBInstanceIdentifier: string }

/** What both kinds of restore are asked for. */
type Restored = Omit<
  RestoreDBInstanceFromDBSnapshotMessage,
  'DBInstanceIdentifier' | 'DBSnapshotIdentifier' | 'DBClusterSnapshotIdentifier'
>

/** Where a new instance comes from: what the data was, and what its flow is told. */
interface Origin {
  /** `snapshot` or `DB instance`, for messages. */
  readonly what: string
  readonly instance: SnapshotSource
  readonly flowInput: object
}

export async function restoreDbInstance(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('DBInstanceIdentifier', input.DBInstanceIdentifier)
  if (input.DBClusterSnapshotIdentifier !== undefined) {
    if (input.DBSnapshotIdentifier !== undefined)
      throw invalidCombination('Specify one of DBSnapshotIdentifier and DBClusterSnapshotIdentifier.')
    const copy = await requireUsableSnapshot(control, scope, {
      kind: OF_CLUSTERS,
      name: input.DBClusterSnapshotIdentifier,
    })
    // AWS: RDS API reference, RestoreDBInstanceFromDBSnapshot, DBClusterSnapshotIdentifier: none of an Aurora DB cluster.
    if (copy.instance.engine !== 'postgres')
      throw invalidValue(
        `The snapshot ${copy.id} is of an Aurora DB cluster: restore it with RestoreDBClusterFromSnapshot.`,
      )
    const flowInput = { snapshotId: copy.resourceId, snapshotName: copy.id }
    return restoreFrom(control, scope, input, { id, what: 'snapshot', instance: copy.instance, flowInput })
  }
  if (input.DBSnapshotIdentifier === undefined)
    throw invalidValue('The parameter DBSnapshotIdentifier must be provided and must not be blank.')
  const snapshot = await requireUsableSnapshot(control, scope, {
    kind: OF_INSTANCES,
    name: input.DBSnapshotIdentifier,
  })
  return restoreFrom(control, scope, input, {
    id,
    what: 'snapshot',
    instance: snapshot.instance,
    flowInput: { snapshotId: snapshot.resourceId, snapshotName: snapshot.id },
  })
}

/** A new instance with this identifier, made by the flow of restores. */
export async function restoreFrom(
  control: Control,
  scope: Scope,
  input: Restored,
  { id, ...origin }: Origin & { readonly id: string },
): Promise<DbInstanceRecord> {
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  checkAgainst(origin, input)
  refuseUnavailable(control, input)
  refuseZoneOfMultiAz(input)
  await requireQuota(control, scope, 'DBInstances')
  const { instance } = origin
  const version = resolveVersion(control, instance.settings.EngineVersion)
  const major = majorOf(version.version)
  const parameterGroup = await resolveParameterGroup(control, scope, input.DBParameterGroupName, {
    engine: 'postgres',
    major,
  })
  const settings = await newSettings(control, scope, asked(instance, input), version)
  const kept = {
    username: instance.masterUsername,
    verifier: instance.masterVerifier,
    secretArn: undefined,
    secretKmsKeyId: undefined,
  }
  const { master, writes } = input.ManageMasterUserPassword
    ? await newMaster(control, scope, {
        username: instance.masterUsername,
        password: undefined,
        managed: true,
        kmsKeyId: input.MasterUserSecretKmsKeyId,
        instanceArn: rdsArn(scope, 'db', id),
      })
    : { master: kept, writes: NOTHING }
  return register(control, scope, {
    draft: {
      id,
      zone: chooseZone(control, scope, input.AvailabilityZone),
      settings,
      master,
      databaseName: instance.databaseName,
      parameterGroup,
      tags: checkTags(input.Tags ?? []),
    },
    wantedPort: requirePort('Port', input.Port ?? control.ports.preferred),
    flow: 'restore-db-instance',
    input: { ...origin.flowInput, resetPassword: input.ManageMasterUserPassword === true },
    extra: writes,
  })
}

function checkAgainst({ what, instance }: Origin, input: Restored): void {
  const { settings, engine } = instance
  if (input.Engine !== undefined && input.Engine !== engine)
    throw invalidCombination(`A ${what} of ${engine} cannot be restored as ${input.Engine}.`)
  if (input.DBName !== undefined) throw invalidCombination(`DBName is not applicable for engine ${engine}.`)
  const size = input.AllocatedStorage
  if (size === undefined || size === settings.AllocatedStorage) return
  if (size < leastGrownGiB(settings.AllocatedStorage))
    throw invalidCombination(
      `Allocated storage ${size} is too small: it must be ${settings.AllocatedStorage} GiB, that of the ${what}, or at least 10 percent more.`,
    )
}

/** What the request leaves out is as it was, except what AWS sets to its default: groups, protection, tags. */
function asked({ settings: from }: SnapshotSource, input: Restored): Parameters<typeof newSettings>[2] {
  return {
    DBInstanceClass: input.DBInstanceClass ?? from.DBInstanceClass,
    AllocatedStorage: input.AllocatedStorage ?? from.AllocatedStorage,
    StorageType: input.StorageType ?? from.StorageType,
    Iops: input.Iops ?? (input.StorageType === undefined ? from.Iops : undefined),
    StorageThroughput:
      input.StorageThroughput ?? (input.StorageType === undefined ? from.StorageThroughput : undefined),
    MaxAllocatedStorage: from.MaxAllocatedStorage,
    LicenseModel: input.LicenseModel,
    BackupRetentionPeriod: input.BackupRetentionPeriod ?? from.BackupRetentionPeriod,
    PreferredBackupWindow: input.PreferredBackupWindow ?? from.PreferredBackupWindow,
    PreferredMaintenanceWindow: from.PreferredMaintenanceWindow,
    AutoMinorVersionUpgrade: input.AutoMinorVersionUpgrade ?? from.AutoMinorVersionUpgrade,
    CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? from.CopyTagsToSnapshot,
    DeletionProtection: input.DeletionProtection,
    PubliclyAccessible: input.PubliclyAccessible,
    DBSubnetGroupName: input.DBSubnetGroupName,
    VpcSecurityGroupIds: input.VpcSecurityGroupIds,
    OptionGroupName: input.OptionGroupName,
    CACertificateIdentifier: input.CACertificateIdentifier,
    NetworkType: input.NetworkType,
    MultiAZ: input.MultiAZ,
    StorageEncrypted: from.StorageEncrypted,
    KmsKeyId: from.KmsKeyId,
    EnableIAMDatabaseAuthentication: input.EnableIAMDatabaseAuthentication,
  }
}
