/** A DB instance as the store holds it, for tests that need one to be there without creating it. */
import { commit } from '#control/control.ts'
import type { Control } from '#control/control.ts'
import { dbInstances } from '#control/db-instance/record.ts'
import type { DbInstanceRecord } from '#control/db-instance/record.ts'
import { SCOPE } from './control.ts'

export function instanceRecord(changes: Partial<DbInstanceRecord> = {}): DbInstanceRecord {
  return {
    id: 'orders',
    resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    ...SCOPE,
    zone: 'a',
    createdAt: 0,
    engine: 'postgres',
    phase: 'available',
    complaint: undefined,
    settings: {
      DBInstanceClass: 'db.t3.micro',
      EngineVersion: '18.4',
      AllocatedStorage: 20,
      StorageType: 'gp2',
      Iops: undefined,
      StorageThroughput: undefined,
      MaxAllocatedStorage: undefined,
      LicenseModel: 'postgresql-license',
      BackupRetentionPeriod: 1,
      PreferredBackupWindow: '05:00-05:30',
      PreferredMaintenanceWindow: 'sun:12:00-sun:12:30',
      AutoMinorVersionUpgrade: true,
      CopyTagsToSnapshot: false,
      DeletionProtection: false,
      PubliclyAccessible: true,
      DBSubnetGroupName: 'default',
      VpcSecurityGroupIds: [],
      OptionGroupName: 'default:postgres-18',
      CACertificateIdentifier: 'rds-ca-ecc384-g1',
      NetworkType: 'IPV4',
      MultiAZ: false,
      StorageEncrypted: false,
      KmsKeyId: undefined,
      EnableIAMDatabaseAuthentication: false,
    },
    pending: {},
    master: { username: 'app', verifier: '', secretArn: undefined, secretKmsKeyId: undefined },
    databaseName: undefined,
    port: 5432,
    endpointKnown: true,
    certificate: undefined,
    parameterGroup: 'default.postgres18',
    appliedParameterGroup: 'default.postgres18',
    parametersAsOf: 0,
    parameterStatus: 'in-sync',
    stoppedAt: undefined,
    tags: [],
    ...changes,
  }
}

export async function putInstance(
  control: Control,
  changes: Partial<DbInstanceRecord> = {},
): Promise<DbInstanceRecord> {
  const record = instanceRecord(changes)
  await commit(control, dbInstances(control, SCOPE).create(record.id, record))
  return record
}

export async function removeInstance(control: Control, id: string): Promise<void> {
  await commit(control, dbInstances(control, SCOPE).remove((await dbInstances(control, SCOPE).get(id))!))
}
