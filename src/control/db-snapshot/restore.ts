/** RestoreDBInstanceFromDBSnapshot: always a new instance. */
import { NOTHING } from '#store/collection.ts'
import type { RestoreDBInstanceFromDBSnapshotMessage } from '@aws-sdk/client-rds'
import { InvalidDBSnapshotStateFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { STORAGE_STEP_FACTOR } from '#catalog/storage.ts'
import { refuseUnavailable } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { register } from '../db-instance/create.ts'
import { instanceExists, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { requireIdentifier, requirePort } from '../db-instance/identifiers.ts'
import { newMaster } from '../db-instance/master.ts'
import { chooseZone, refuseZoneOfMultiAz } from '../db-instance/placement.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { newSettings, resolveParameterGroup, resolveVersion } from '../db-instance/settings.ts'
import { majorOf } from '../db-instance/spec.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { requireReadableSnapshot } from './find.ts'
import type { DbSnapshotRecord } from './record.ts'

type Input = RestoreDBInstanceFromDBSnapshotMessage & { DBInstanceIdentifier: string }

export async function restoreDbInstance(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('DBInstanceIdentifier', input.DBInstanceIdentifier)
  if (input.DBClusterSnapshotIdentifier !== undefined)
    throw invalidCombination('Snapshots of Multi-AZ DB clusters are not available yet.')
  if (input.DBSnapshotIdentifier === undefined)
    throw invalidValue('The parameter DBSnapshotIdentifier must be provided and must not be blank.')
  const snapshot = (await requireReadableSnapshot(control, scope, input.DBSnapshotIdentifier)).value
  if (snapshot.status !== 'available')
    throw fault(
      InvalidDBSnapshotStateFault,
      `Snapshot ${snapshot.id} is not in the available state: it is ${snapshot.status}.`,
    )
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  checkAgainst(snapshot, input)
  refuseUnavailable(control, input)
  refuseZoneOfMultiAz(input)
  await requireQuota(control, scope, 'DBInstances')
  const { instance } = snapshot
  const version = resolveVersion(control, instance.settings.EngineVersion)
  const major = majorOf(version.version)
  const parameterGroup = await resolveParameterGroup(control, scope, input.DBParameterGroupName, major)
  const settings = await newSettings(control, scope, asked(snapshot, input), version)
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
    input: {
      snapshotId: snapshot.resourceId,
      snapshotName: snapshot.id,
      resetPassword: input.ManageMasterUserPassword === true,
    },
    extra: writes,
  })
}

function checkAgainst(snapshot: DbSnapshotRecord, input: Input): void {
  const { settings, engine } = snapshot.instance
  if (input.Engine !== undefined && input.Engine !== engine)
    throw invalidCombination(`A snapshot of ${engine} cannot be restored as ${input.Engine}.`)
  if (input.DBName !== undefined) throw invalidCombination(`DBName is not applicable for engine ${engine}.`)
  const size = input.AllocatedStorage
  if (size === undefined || size === settings.AllocatedStorage) return
  if (size < settings.AllocatedStorage * STORAGE_STEP_FACTOR)
    throw invalidCombination(
      `Allocated storage ${size} is too small: it must be ${settings.AllocatedStorage} GiB, the snapshot's, or at least 10 percent more.`,
    )
}

/** What the request leaves out comes from the snapshot, except what AWS sets to its default: groups, protection, tags. */
function asked(snapshot: DbSnapshotRecord, input: Input): Parameters<typeof newSettings>[2] {
  const from = snapshot.instance.settings
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
