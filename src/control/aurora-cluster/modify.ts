/** ModifyDBCluster of an Aurora cluster: settings that hold at once, the group of its parameters, and the master's password. */
import type { ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import { backupsChange } from '../automated-backup/keeping.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { newCredentials } from '../db-instance/credentials.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { parseBackupWindow, parseMaintenanceWindow, windowsOverlap } from '../db-instance/identifiers.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { isServerless } from '../db-instance/size.ts'
import { reloadOf } from '../db-instance/reload.ts'
import { windowsMustNotOverlap } from '../db-instance/settings.ts'
import { majorOf } from '../db-instance/spec.ts'
import { started } from '../db-instance/started.ts'
import { resolveVpcSecurityGroups } from '../network/membership.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { changeBacktrackWindow } from './backtrack-rules.ts'
import { scheduleAuroraBackups } from './backups.ts'
import { memberRecords, requireAuroraCluster } from './find.ts'
import {
  auroraClusters,
  auroraKeyOf,
  auroraPasswordSubjectOf,
  isSecondary,
  type AuroraClusterRecord,
} from './record.ts'
import {
  refuseOptionGroup,
  requireAuroraRetention,
  requireStorageType,
  resolveAuroraParameterGroup,
} from './settings.ts'
import { requireScaling } from './scaling.ts'
import { auroraStatusOf } from './sight.ts'

type Input = ModifyDBClusterMessage & { DBClusterIdentifier: string }

export async function modifyAuroraCluster(control: Control, scope: Scope, input: Input): Promise<AuroraClusterRecord> {
  const { record, flowIds } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, input.DBClusterIdentifier)
    const cluster = held.value
    const status = auroraStatusOf(control, cluster)
    if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
    refuseModification(cluster, input)
    refuseUnavailable(control, { ...input, DBClusterIdentifier: undefined })
    const changed = await withSettings(control, scope, cluster, input)
    const arn = rdsArn(scope, 'cluster', cluster.id)
    const credentials = await newCredentials(control, scope, { master: cluster.master, arn }, input)
    const { verifier } = credentials
    const record: AuroraClusterRecord = {
      ...changed,
      master: credentials.master ?? cluster.master,
      ...(verifier !== undefined && { pendingVerifier: verifier }),
    }
    const { writes, flowIds } = await membersFollow(control, cluster, record)
    const parts = [auroraClusters(control, scope).update(held, record), credentials.writes, writes]
    if (backupsChange(cluster.shared, record.shared)) parts.push(await scheduleAuroraBackups(control, record))
    if (verifier !== undefined && record.isOpen) {
      const key = auroraKeyOf(record)
      const flow = await control.flows.supersede('set-aurora-password', auroraPasswordSubjectOf(key), { key })
      parts.push(flow.writes)
      flowIds.push(flow.id)
    }
    return { mutation: together(...parts), result: { record, flowIds } }
  })
  for (const id of flowIds) await started(control, id)
  return record
}

/** AWS: RDS API reference, ModifyDBCluster: members that are valid for Multi-AZ DB clusters only, or not for Aurora PostgreSQL. */
const NOT_OF_AURORA = [
  'AllocatedStorage',
  'AllowEngineModeChange',
  'CACertificateIdentifier',
  'DBClusterInstanceClass',
  'Iops',
  'ScalingConfiguration',
] as const satisfies readonly (keyof Input)[]

/** What a secondary cluster of a global one has with its data. */
const OF_THE_PRIMARY = [
  'ManageMasterUserPassword',
  'MasterUserPassword',
  'MasterUserSecretKmsKeyId',
  'RotateMasterUserPassword',
] as const satisfies readonly (keyof Input)[]

/** What Aurora PostgreSQL has, and Holdfast not yet. */
const NOT_YET = [
  'AllowMajorVersionUpgrade',
  'AwsBackupRecoveryPointArn',
  'DBInstanceParameterGroupName',
  'EnableGlobalWriteForwarding',
  'EnableHttpEndpoint',
  'EnableLimitlessDatabase',
  'EnableLocalWriteForwarding',
] as const satisfies readonly (keyof Input)[]

const isAsked = (value: unknown): boolean => value !== undefined && value !== false && value !== 0

/** Throws for the first thing that a cluster would have to become and cannot. What it is already may be asked for. */
function refuseModification(cluster: AuroraClusterRecord, input: Input): void {
  for (const member of NOT_OF_AURORA)
    if (isAsked(input[member])) throw invalidCombination(`${member} isn't supported for DB engine aurora-postgresql.`)
  for (const member of OF_THE_PRIMARY)
    if (isSecondary(cluster) && isAsked(input[member]))
      throw invalidClusterState(
        `${member} of a secondary cluster is that of the global cluster's primary: modify that.`,
      )
  for (const member of NOT_YET)
    if (isAsked(input[member]))
      throw invalidCombination(`${member} is not available for aurora-postgresql in Holdfast yet.`)
  if (input.EngineMode !== undefined && input.EngineMode !== 'provisioned')
    throw invalidCombination(`The engine mode ${input.EngineMode} is not available for engine aurora-postgresql.`)
  requireStorageType(input.StorageType)
  refuseOptionGroup(input.OptionGroupName)
  const now: Readonly<Record<string, unknown>> = {
    NewDBClusterIdentifier: cluster.id,
    Port: cluster.port,
    EngineVersion: cluster.shared.EngineVersion,
    EnableIAMDatabaseAuthentication: cluster.shared.EnableIAMDatabaseAuthentication,
  }
  for (const [member, current] of Object.entries(now)) {
    const wanted = input[member as keyof Input]
    if (wanted !== undefined && wanted !== current)
      throw invalidCombination(`${member} of an Aurora DB cluster cannot be changed in Holdfast yet.`)
  }
  if (input.CloudwatchLogsExportConfiguration?.EnableLogTypes?.length)
    throw invalidCombination('Export of logs to CloudWatch Logs is not available yet.')
}

async function withSettings(
  control: Control,
  scope: Scope,
  cluster: AuroraClusterRecord,
  input: Input,
): Promise<AuroraClusterRecord> {
  const { shared, settings } = cluster
  const PreferredBackupWindow = input.PreferredBackupWindow ?? shared.PreferredBackupWindow
  const PreferredMaintenanceWindow = (
    input.PreferredMaintenanceWindow ?? settings.PreferredMaintenanceWindow
  ).toLowerCase()
  if (windowsOverlap(parseBackupWindow(PreferredBackupWindow), parseMaintenanceWindow(PreferredMaintenanceWindow)))
    throw windowsMustNotOverlap()
  const { vpcId } = await requireSubnetGroup(control, scope, shared.DBSubnetGroupName)
  const asked = input.VpcSecurityGroupIds
  const group = { name: input.DBClusterParameterGroupName, major: majorOf(shared.EngineVersion) }
  const backtrackWindow = changeBacktrackWindow(cluster.id, input.BacktrackWindow, cluster.backtrackWindow)
  return {
    ...cluster,
    backtrackWindow,
    parameterGroup:
      group.name === undefined ? cluster.parameterGroup : await resolveAuroraParameterGroup(control, scope, group),
    shared: {
      ...shared,
      PreferredBackupWindow,
      BackupRetentionPeriod: requireAuroraRetention(input.BackupRetentionPeriod ?? shared.BackupRetentionPeriod),
      VpcSecurityGroupIds:
        asked === undefined ? shared.VpcSecurityGroupIds : await resolveVpcSecurityGroups(control, scope, asked, vpcId),
      serverlessScaling: requireScaling(
        input.ServerlessV2ScalingConfiguration,
        shared.serverlessScaling,
        shared.EngineVersion,
      ),
    },
    settings: {
      PreferredMaintenanceWindow,
      CopyTagsToSnapshot: input.CopyTagsToSnapshot ?? settings.CopyTagsToSnapshot,
      DeletionProtection: input.DeletionProtection ?? settings.DeletionProtection,
    },
  }
}

/**
 * Instances have what all of the cluster have. New security groups are brought to those who let clients in, and a new
 * range of capacity to those who have one.
 */
async function membersFollow(
  control: Control,
  before: AuroraClusterRecord,
  { shared, master }: AuroraClusterRecord,
): Promise<{ writes: Mutation; flowIds: string[] }> {
  const parts: Mutation[] = []
  const flowIds: string[] = []
  const isAdmitting = shared.VpcSecurityGroupIds !== before.shared.VpcSecurityGroupIds
  for (const held of (await memberRecords(control, before)).values()) {
    const settings = { ...held.value.settings, ...shared }
    const enforced = held.value.enforcedSecurityGroups ?? held.value.settings.VpcSecurityGroupIds
    const record: DbInstanceRecord = {
      ...held.value,
      settings,
      master,
      ...(isAdmitting && { enforcedSecurityGroups: enforced }),
    }
    parts.push(update(control, held, record))
    const isRescaled = isServerless(settings) && shared.serverlessScaling !== before.shared.serverlessScaling
    if (!isAdmitting && !isRescaled) continue
    const flow = await reloadOf(control, record)
    parts.push(flow.writes)
    flowIds.push(flow.id)
  }
  return { writes: together(...parts), flowIds }
}

const update = (control: Control, held: Held<DbInstanceRecord>, record: DbInstanceRecord): Mutation =>
  dbInstances(control, record).update(held, record)
