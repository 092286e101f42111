/** What may be asked of one instance of an Aurora cluster: what is the cluster's to have is refused, in RDS's words where known. */
import type { CreateDBInstanceMessage, ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { invalidCombination } from '../db-instance/faults.ts'
import { majorOf } from '../db-instance/spec.ts'
import type { AuroraClusterRecord } from './record.ts'
import { requireStorageType } from './settings.ts'

/** Of both requests, with the words for them. AWS: RDS API reference, "Not applicable. … is managed by the DB cluster." */
const OF_THE_CLUSTER = {
  BackupRetentionPeriod: 'backup retention period',
  DeletionProtection: 'deletion protection',
  EnableIAMDatabaseAuthentication: 'IAM database authentication',
  ManageMasterUserPassword: 'master user password',
  MasterUserPassword: 'master user password',
  MasterUserSecretKmsKeyId: 'master user secret',
  NetworkType: 'network type',
  OptionGroupName: 'option group',
  PreferredBackupWindow: 'backup window',
  VpcSecurityGroupIds: 'security groups',
} as const satisfies { [K in keyof CreateDBInstanceMessage & keyof ModifyDBInstanceMessage]?: string }

const OF_THE_CLUSTER_FIRST = {
  ...OF_THE_CLUSTER,
  CharacterSetName: 'character set',
  DBName: 'database name',
  KmsKeyId: 'encryption',
  MasterUsername: 'master user name',
  Port: 'port',
  StorageEncrypted: 'encryption',
} as const satisfies { [K in keyof CreateDBInstanceMessage]?: string }

const OF_THE_CLUSTER_LATER = {
  ...OF_THE_CLUSTER,
  DBPortNumber: 'port',
  DBSubnetGroupName: 'subnet group',
  EngineVersion: 'engine version',
  RotateMasterUserPassword: 'master user password',
} as const satisfies { [K in keyof ModifyDBInstanceMessage]?: string }

type OfStorage = Pick<
  CreateDBInstanceMessage,
  'AllocatedStorage' | 'Iops' | 'StorageThroughput' | 'MaxAllocatedStorage' | 'StorageType' | 'MultiAZ'
>

const isGiven = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)

/** Throws for the first member of CreateDBInstance that is the cluster's. */
export function refuseOfMember(input: CreateDBInstanceMessage): void {
  for (const [member, words] of Object.entries(OF_THE_CLUSTER_FIRST))
    if (isGiven(input[member as keyof CreateDBInstanceMessage]))
      throw invalidCombination(
        `The requested DB Instance will be a member of a DB Cluster. Set ${words} for the DB Cluster.`,
      )
  refuseStorage(input)
  refuseForeign(input)
}

/** The same of ModifyDBInstance. */
export function refuseOfMemberLater(input: ModifyDBInstanceMessage): void {
  for (const [member, words] of Object.entries(OF_THE_CLUSTER_LATER))
    if (isGiven(input[member as keyof ModifyDBInstanceMessage]))
      throw invalidCombination(
        `The specified DB Instance is a member of a cluster. Modify ${words} for the DB Cluster.`,
      )
  refuseStorage(input)
  refuseForeign(input)
}

function refuseStorage({ AllocatedStorage, Iops, StorageThroughput, StorageType, ...more }: OfStorage): void {
  if (AllocatedStorage !== undefined)
    throw invalidCombination(
      `Invalid storage size for engine name aurora-postgresql and storage type aurora: ${AllocatedStorage}`,
    )
  if (Iops !== undefined || StorageThroughput !== undefined)
    throw invalidCombination('Specifying IOPs is not allowed for this engine')
  if (more.MaxAllocatedStorage !== undefined)
    throw invalidCombination('Storage autoscaling is not supported for engine aurora-postgresql: its storage grows.')
  requireStorageType(StorageType)
  if (more.MultiAZ)
    throw invalidCombination('VPC Multi-AZ DB Instances are not available for engine: aurora-postgresql')
}

type Foreign = Pick<CreateDBInstanceMessage, 'DBSecurityGroups' | 'ProcessorFeatures'> &
  Pick<CreateDBInstanceMessage, 'Timezone' | 'NcharCharacterSetName' | 'DBSystemId'>

function refuseForeign(input: Foreign): void {
  if (input.DBSecurityGroups?.length)
    throw invalidCombination('DBSecurityGroups are for EC2-Classic. Use VpcSecurityGroupIds of the DB cluster.')
  if (input.ProcessorFeatures?.length)
    throw invalidCombination('ProcessorFeatures are not supported for engine aurora-postgresql.')
  for (const member of ['Timezone', 'NcharCharacterSetName', 'DBSystemId'] as const)
    if (input[member] !== undefined)
      throw invalidCombination(`${member} is not supported for engine aurora-postgresql.`)
}

/** What a member may repeat of its cluster has to be the cluster's. */
export function requireMatchingCluster(
  {
    Engine,
    EngineVersion,
    DBSubnetGroupName,
  }: Pick<CreateDBInstanceMessage, 'Engine' | 'EngineVersion' | 'DBSubnetGroupName'>,
  { engine, shared }: AuroraClusterRecord,
): void {
  if (Engine !== engine)
    throw invalidCombination(
      `The engine name requested for your DB Instance (${Engine}) doesn't match the engine name of your DB Cluster (${engine}).`,
    )
  if (EngineVersion !== undefined && ![shared.EngineVersion, majorOf(shared.EngineVersion)].includes(EngineVersion))
    throw invalidCombination(
      `The engine version that you requested for your DB Instance (${EngineVersion}) does not match the engine version of your DB Cluster (${shared.EngineVersion}).`,
    )
  if (DBSubnetGroupName !== undefined && DBSubnetGroupName.toLowerCase() !== shared.DBSubnetGroupName)
    throw invalidCombination(
      `The DB subnet group requested for your DB Instance (${DBSubnetGroupName}) doesn't match that of your DB Cluster (${shared.DBSubnetGroupName}).`,
    )
}
