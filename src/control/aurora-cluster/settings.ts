/** The settings of an Aurora DB cluster: what a request may ask for, and what is refused. */
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { DBClusterParameterGroupNotFoundFault } from '@aws-sdk/client-rds'
import { supportsAurora } from '#catalog/instance-classes.ts'
import { SERVERLESS_CLASS } from '#catalog/serverless.ts'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import { defaultParameterGroupName, familyOf } from '#catalog/families.ts'
import { fault } from '#wire/aws/faults.ts'
import { hasAurora, refuseUnavailable } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { chooseZone } from '../db-instance/placement.ts'
import { requireClass, windowSettings } from '../db-instance/settings.ts'
import { resolveVpcSecurityGroups } from '../network/membership.ts'
import { implicitParameterGroup, parameterGroups } from '../parameter-group/record.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { requireBacktrackWindow } from './backtrack-rules.ts'
import type { AuroraClusterSettings, AuroraSettings } from './record.ts'
import { requireScaling, requireScalingFor } from './scaling.ts'

/** What each volume is of. Its size is not asked for: it grows. AWS: RDS API reference, CreateDBCluster, StorageType. */
export const AURORA_STORAGE = { StorageType: 'aurora', AllocatedStorage: 1 } as const

/** AWS: RDS API reference, CreateDBCluster: members that are valid for Multi-AZ DB clusters only, or not for Aurora PostgreSQL. */
const NOT_OF_AURORA = [
  'AllocatedStorage',
  'CACertificateIdentifier',
  'CharacterSetName',
  'DBClusterInstanceClass',
  'DBSystemId',
  'Iops',
  'PubliclyAccessible',
  'RdsCustomClusterConfiguration',
  'ScalingConfiguration',
] as const satisfies readonly (keyof CreateDBClusterMessage)[]

/** What Aurora PostgreSQL has, and Holdfast not yet. */
const NOT_YET = [
  'AssociatedRoles',
  'EnableGlobalWriteForwarding',
  'EnableHttpEndpoint',
  'EnableLimitlessDatabase',
  'EnableLocalWriteForwarding',
  'ReplicationSourceIdentifier',
  'WithExpressConfiguration',
] as const satisfies readonly (keyof CreateDBClusterMessage)[]

const isAsked = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== 0 && !(Array.isArray(value) && value.length === 0)

/** Throws where there can be no Aurora DB cluster at all. */
export function requireAurora(control: Pick<Control, 'simulated' | 'auroraPreview'>, engine: string): void {
  if (!hasAurora(control))
    throw invalidValue(
      `Invalid DB engine: ${engine}. Aurora is not complete here, and off unless HOLDFAST_AURORA=preview asks for it; postgres makes a Multi-AZ DB cluster.`,
    )
  if (engine !== 'aurora-postgresql')
    throw invalidValue(`Invalid DB engine: ${engine}. The Aurora engines that can run here are: aurora-postgresql.`)
}

type Asked = CreateDBClusterMessage & { readonly Engine: string }

/** Throws for the first thing asked for that an Aurora DB cluster, or Holdfast, does not have. */
export function refuseForAurora(control: Pick<Control, 'simulated' | 'hosts'>, scope: Scope, input: Asked): void {
  for (const member of NOT_OF_AURORA)
    if (input[member] !== undefined)
      throw invalidCombination(`${member} isn't supported for DB engine ${input.Engine}.`)
  for (const member of NOT_YET)
    if (isAsked(input[member]))
      throw invalidCombination(`${member} is not available for ${input.Engine} in Holdfast yet.`)
  if (input.EngineMode !== undefined && input.EngineMode !== 'provisioned')
    throw invalidCombination(`The engine mode ${input.EngineMode} is not available for engine ${input.Engine}.`)
  if (input.ClusterScalabilityType !== undefined && input.ClusterScalabilityType !== 'standard')
    throw invalidCombination('Only ClusterScalabilityType standard is available.')
  requireStorageType(input.StorageType)
  refuseOptionGroup(input.OptionGroupName)
  for (const zone of input.AvailabilityZones ?? []) chooseZone(control, scope, zone)
  refuseUnavailable(control, { ...input, DBClusterIdentifier: undefined })
}

/** `aurora-iopt1` is another way of paying for the same volume. */
export function requireStorageType(type: string | undefined): void {
  if (type !== undefined && type !== AURORA_STORAGE.StorageType)
    throw invalidCombination(
      `Invalid storage type for aurora-postgresql: ${type}. The type that is available is: aurora.`,
    )
}

export function refuseOptionGroup(name: string | undefined): void {
  if (name !== undefined) throw invalidCombination('Option groups are not supported for engine aurora-postgresql.')
}

/** AWS: RDS API reference, CreateDBCluster, BackupRetentionPeriod: Aurora always has backups. */
export function requireAuroraRetention(days: number): number {
  if (!Number.isInteger(days) || days < 1 || days > 35)
    throw invalidValue(`Invalid backup retention period: ${days}. Must be between 1 and 35.`)
  return days
}

export async function newAuroraSettings(
  control: Control,
  scope: Scope,
  input: CreateDBClusterMessage,
  version: EngineVersion,
): Promise<{ shared: AuroraSettings; settings: AuroraClusterSettings; backtrackWindow?: number }> {
  const backtrackWindow = requireBacktrackWindow(input.BacktrackWindow ?? 0)
  // AWS: Aurora user guide, "Backtracking limitations": not with replication to other regions.
  if (backtrackWindow > 0 && input.GlobalClusterIdentifier !== undefined)
    throw invalidCombination('BacktrackWindow cannot be specified for a DB cluster of a global cluster.')
  const subnetGroup = await requireSubnetGroup(control, scope, input.DBSubnetGroupName ?? 'default')
  const { PreferredBackupWindow, PreferredMaintenanceWindow } = windowSettings(control, input)
  return {
    shared: {
      EngineVersion: version.version,
      BackupRetentionPeriod: requireAuroraRetention(input.BackupRetentionPeriod ?? 1),
      PreferredBackupWindow,
      DBSubnetGroupName: subnetGroup.name,
      VpcSecurityGroupIds: await resolveVpcSecurityGroups(control, scope, input.VpcSecurityGroupIds, subnetGroup.vpcId),
      NetworkType: input.NetworkType ?? 'IPV4',
      StorageEncrypted: input.StorageEncrypted ?? false,
      KmsKeyId: input.KmsKeyId,
      EnableIAMDatabaseAuthentication: input.EnableIAMDatabaseAuthentication ?? false,
      serverlessScaling: requireScaling(input.ServerlessV2ScalingConfiguration, undefined, version.version),
    },
    settings: {
      PreferredMaintenanceWindow,
      CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? false,
      DeletionProtection: input.DeletionProtection ?? false,
    },
    ...(backtrackWindow > 0 && { backtrackWindow }),
  }
}

/** The DB cluster parameter group's name, if it exists and is of the version's family. */
export async function resolveAuroraParameterGroup(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { name: wanted, major }: { readonly name: string | undefined; readonly major: string },
): Promise<string> {
  const family = familyOf(major, 'aurora-postgresql')
  const name = (wanted ?? defaultParameterGroupName(family)).toLowerCase()
  const stored = await parameterGroups(control, scope, 'cluster').get(name)
  const group = stored?.value ?? implicitParameterGroup(name, 'cluster')
  if (!group) throw fault(DBClusterParameterGroupNotFoundFault, `DBClusterParameterGroup not found: ${wanted}`)
  if (group.family !== family)
    throw invalidCombination(
      `The parameter group ${name} with DBParameterGroupFamily ${group.family} can't be used for this DB cluster. ` +
        `Please use a DB cluster parameter group with DBParameterGroupFamily ${family}`,
    )
  return name
}

/** Throws for a class that the cluster's instances cannot have. */
export function requireAuroraClass(
  name: string,
  { EngineVersion: version, serverlessScaling }: AuroraSettings,
): string {
  requireScalingFor(name, serverlessScaling)
  if (name !== SERVERLESS_CLASS && !supportsAurora(requireClass(name)))
    throw invalidCombination(
      `RDS does not support creating a DB instance with the following combination: DBInstanceClass=${name}, ` +
        `Engine=aurora-postgresql, EngineVersion=${version}, LicenseModel=postgresql-license.`,
    )
  return name
}
