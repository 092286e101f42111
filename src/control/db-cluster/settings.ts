/** The settings of a cluster: what a request may ask for, and what is refused. */
import type { CreateDBClusterMessage, ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import { DBClusterParameterGroupNotFoundFault } from '@aws-sdk/client-rds'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import { fault } from '#wire/aws/faults.ts'
import { refuseUnavailable } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { required } from '../db-instance/create.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import type { DbInstanceSettings } from '../db-instance/record.ts'
import type { DbClusterRecord } from './record.ts'
import { newSettings } from '../db-instance/settings.ts'
import { majorOf } from '../db-instance/spec.ts'
import { implicitParameterGroup, parameterGroups } from '../parameter-group/record.ts'

/** AWS: RDS API reference, CreateDBCluster: members that are valid for Aurora DB clusters only. */
const AURORA_ONLY = [
  'AvailabilityZones',
  'BacktrackWindow',
  'CharacterSetName',
  'DBSystemId',
  'EnableGlobalWriteForwarding',
  'EnableHttpEndpoint',
  'EnableLimitlessDatabase',
  'EnableLocalWriteForwarding',
  'GlobalClusterIdentifier',
  'OptionGroupName',
  'ReplicationSourceIdentifier',
  'ScalingConfiguration',
  'ServerlessV2ScalingConfiguration',
  'ClusterScalabilityType',
  'RdsCustomClusterConfiguration',
] as const satisfies readonly (keyof CreateDBClusterMessage)[]

/** Storage of Multi-AZ DB clusters. AWS: RDS API reference, CreateDBCluster, StorageType. */
const STORAGE_TYPES: readonly string[] = ['io1', 'io2', 'gp3']

const isAsked = (value: unknown): boolean => value !== undefined && value !== false && value !== 0

/** Throws for the first thing asked for that a Multi-AZ DB cluster, or Holdfast, does not have. */
export function refuseForCluster(control: Pick<Control, 'simulated'>, input: CreateDBClusterMessage): void {
  const { Engine } = input
  if (Engine !== 'postgres')
    throw invalidValue(`Invalid DB engine: ${Engine}. The engines that can run here are: postgres.`)
  if (input.EngineMode !== undefined && input.EngineMode !== 'provisioned')
    throw invalidCombination(`The engine mode ${input.EngineMode} is not available for engine postgres.`)
  for (const member of AURORA_ONLY)
    if (isAsked(input[member])) throw invalidCombination(`${member} isn't supported for Multi-AZ DB clusters.`)
  refuseUnavailable(control, { ...input, DBClusterIdentifier: undefined })
}

export async function newClusterSettings(
  control: Control,
  scope: Scope,
  input: CreateDBClusterMessage,
  version: EngineVersion,
): Promise<DbInstanceSettings> {
  const DBInstanceClass = required(input.DBClusterInstanceClass, 'DBClusterInstanceClass')
  const StorageType = requireStorageType(input.StorageType ?? 'io1')
  const { OptionGroupName: _aurora, ...asked } = input
  return newSettings(control, scope, { ...asked, DBInstanceClass, StorageType }, version)
}

export function requireStorageType(type: string): string {
  if (!STORAGE_TYPES.includes(type)) throw invalidCombination(`Invalid storage type for a Multi-AZ DB cluster: ${type}`)
  return type
}

export const clusterParameterGroupOf = ({
  parameterGroup,
  settings,
}: Pick<DbClusterRecord, 'parameterGroup' | 'settings'>): string =>
  parameterGroup ?? `default.postgres${majorOf(settings.EngineVersion)}`

/** The group's name, if it exists and is of the version's family. */
export async function resolveClusterParameterGroup(
  control: Pick<Control, 'store'>,
  scope: Scope,
  wanted: { readonly name: string; readonly engineVersion: string },
): Promise<string> {
  const name = wanted.name.toLowerCase()
  const kind = 'cluster'
  const group = (await parameterGroups(control, scope, kind).get(name))?.value ?? implicitParameterGroup(name, kind)
  if (!group) throw fault(DBClusterParameterGroupNotFoundFault, `DBClusterParameterGroup not found: ${wanted.name}`)
  const family = `postgres${majorOf(wanted.engineVersion)}`
  if (group.family !== family)
    throw invalidCombination(
      `The parameter group ${name} with DBParameterGroupFamily ${group.family} can't be used for this DB cluster. ` +
        `Please use a DB cluster parameter group with DBParameterGroupFamily ${family}`,
    )
  return name
}

/** AWS: RDS API reference, ModifyDBCluster: members that are valid for Aurora DB clusters only. */
const AURORA_ONLY_LATER = [
  'AllowEngineModeChange',
  'AwsBackupRecoveryPointArn',
  'BacktrackWindow',
  'EnableGlobalWriteForwarding',
  'EnableHttpEndpoint',
  'EnableLimitlessDatabase',
  'EnableLocalWriteForwarding',
  'OptionGroupName',
  'ScalingConfiguration',
  'ServerlessV2ScalingConfiguration',
] as const satisfies readonly (keyof ModifyDBClusterMessage)[]

/** Throws for the first thing that a cluster would have to become and cannot. What it is already may be asked for. */
export function refuseModification({ id, port }: DbClusterRecord, input: ModifyDBClusterMessage): void {
  for (const member of AURORA_ONLY_LATER)
    if (isAsked(input[member])) throw invalidCombination(`${member} isn't supported for Multi-AZ DB clusters.`)
  // AWS: RDS user guide, Limitations of Multi-AZ DB clusters.
  if (input.Port !== undefined && input.Port !== port)
    throw invalidCombination('The port of a Multi-AZ DB cluster cannot be changed.')
  if (input.EngineMode !== undefined && input.EngineMode !== 'provisioned')
    throw invalidCombination(`The engine mode ${input.EngineMode} is not available for engine postgres.`)
  const now: Readonly<Record<string, unknown>> = {
    NewDBClusterIdentifier: id,
  }
  for (const [member, current] of Object.entries(now)) {
    const wanted = input[member as keyof ModifyDBClusterMessage]
    if (wanted !== undefined && wanted !== current)
      throw invalidCombination(`${member} of a DB cluster cannot be changed in Holdfast yet.`)
  }
  if (input.DBInstanceParameterGroupName !== undefined || input.AllowMajorVersionUpgrade)
    throw invalidCombination('Major version upgrades of DB clusters are not available yet.')
  const logs = input.CloudwatchLogsExportConfiguration
  if (logs?.EnableLogTypes?.length) throw invalidCombination('Export of logs to CloudWatch Logs is not available yet.')
}
