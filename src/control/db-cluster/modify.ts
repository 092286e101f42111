/**
 * ModifyDBCluster: settings that hold at once, the master user's password, and what changes.ts has flows for. What cannot
 * be made true is refused.
 */
import type { ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { newCredentials, type Credentials } from '../db-instance/credentials.ts'
import { parseBackupWindow, parseMaintenanceWindow, windowsOverlap } from '../db-instance/identifiers.ts'
import { dbInstances, type DbInstanceRecord, type DbInstanceSettings } from '../db-instance/record.ts'
import { reloadOf } from '../db-instance/reload.ts'
import { requireRetention, windowsMustNotOverlap } from '../db-instance/settings.ts'
import { started } from '../db-instance/started.ts'
import { resolveVpcSecurityGroups } from '../network/membership.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { changeInWindow, decideChanges, namesOf, startChange, type Changes } from './changes.ts'
import { scheduleClusterBackups } from './backups.ts'
import { backupsChange } from '../automated-backup/keeping.ts'
import { clusterNotAvailable } from './faults.ts'
import { requireCluster } from './find.ts'
import { clusterKeyOf, dbClusters, memberIn, passwordSubjectOf, type DbClusterRecord } from './record.ts'
import { clusterParameterGroupOf, refuseModification, resolveClusterParameterGroup } from './settings.ts'
import { clusterStatusOf } from './sight.ts'

type Input = ModifyDBClusterMessage & { DBClusterIdentifier: string }

export async function modifyDbCluster(control: Control, scope: Scope, input: Input): Promise<DbClusterRecord> {
  const { record, flowIds } = await transact(control, async () => {
    const held = await requireCluster(control, scope, input.DBClusterIdentifier)
    const cluster = held.value
    const status = clusterStatusOf(control, cluster)
    if (status !== 'available') throw clusterNotAvailable(cluster.id, status)
    refuseUnavailable(control, { ...input, DBClusterIdentifier: undefined })
    refuseModification(cluster, input)
    const settings = await newSettings(control, scope, cluster, input)
    const writer = await dbInstances(control, scope).get(memberIn(cluster, cluster.writer).id)
    const changes = await decideChanges(control, { cluster, writer: writer!.value }, input)
    const credentials = await newCredentials(
      control,
      scope,
      { master: cluster.master, arn: rdsArn(scope, 'cluster', cluster.id) },
      input,
    )
    const groupName = input.DBClusterParameterGroupName
    const engineVersion = settings.EngineVersion
    const parameterGroup =
      groupName === undefined
        ? clusterParameterGroupOf(cluster)
        : await resolveClusterParameterGroup(control, scope, { name: groupName, engineVersion })
    return write(control, held, { settings, changes, parameterGroup, credentials })
  })
  for (const id of flowIds) await started(control, id)
  return record
}

/** Members whose value simply is the setting. */
const AT_ONCE = [
  'AutoMinorVersionUpgrade',
  'BackupRetentionPeriod',
  'CopyTagsToSnapshot',
  'DeletionProtection',
  'PreferredMaintenanceWindow',
  'PreferredBackupWindow',
] as const satisfies readonly (keyof DbInstanceSettings & keyof ModifyDBClusterMessage)[]

async function newSettings(
  control: Control,
  scope: Scope,
  { settings }: DbClusterRecord,
  input: Input,
): Promise<DbInstanceSettings> {
  const changes = Object.fromEntries(
    AT_ONCE.filter((member) => input[member] !== undefined).map((member) => [member, input[member]]),
  )
  const wanted: DbInstanceSettings = { ...settings, ...changes }
  requireRetention(wanted.BackupRetentionPeriod)
  const PreferredMaintenanceWindow = wanted.PreferredMaintenanceWindow.toLowerCase()
  if (
    windowsOverlap(parseBackupWindow(wanted.PreferredBackupWindow), parseMaintenanceWindow(PreferredMaintenanceWindow))
  )
    throw windowsMustNotOverlap()
  if (input.VpcSecurityGroupIds === undefined) return { ...wanted, PreferredMaintenanceWindow }
  const { vpcId } = await requireSubnetGroup(control, scope, settings.DBSubnetGroupName)
  const VpcSecurityGroupIds = await resolveVpcSecurityGroups(control, scope, input.VpcSecurityGroupIds, vpcId)
  return { ...wanted, PreferredMaintenanceWindow, VpcSecurityGroupIds }
}

const isArchivingSwitched = (before: DbInstanceSettings, after: DbInstanceSettings): boolean =>
  before.BackupRetentionPeriod > 0 !== after.BackupRetentionPeriod > 0

interface Modification {
  readonly settings: DbInstanceSettings
  readonly changes: Changes
  /** In force with the next reboot. */
  readonly parameterGroup: string
  readonly credentials: Credentials
}

async function write(
  control: Control,
  held: Held<DbClusterRecord>,
  { settings, changes, parameterGroup, credentials }: Modification,
): Promise<{ mutation: Mutation; result: { record: DbClusterRecord; flowIds: string[] } }> {
  const { verifier } = credentials
  const master = credentials.master ?? held.value.master
  const { pending, apply } = changes
  const key = clusterKeyOf(held.value)
  const members = await Promise.all(
    held.value.members.map(async ({ id }) => (await dbInstances(control, key).get(id))!),
  )
  const asked: DbClusterRecord = {
    ...held.value,
    settings,
    pending,
    parameterGroup,
    master,
    ...(verifier !== undefined && { pendingVerifier: verifier }),
  }
  const parts: Mutation[] = [credentials.writes]
  const flowIds: string[] = []
  const begun =
    apply.length > 0 ? startChange(control, asked, { apply, members: members.map(({ value }) => value) }) : undefined
  if (begun) {
    parts.push(begun.writes)
    flowIds.push(begun.flowId)
  } else if (namesOf(pending).length > 0) parts.push(await changeInWindow(control, asked))
  const record: DbClusterRecord = { ...asked, ...(begun && { phase: begun.phase }) }
  parts.push(dbClusters(control, key).update(held, record))
  const before = held.value.settings
  if (backupsChange(before, settings)) parts.push(await scheduleClusterBackups(control, record))
  for (const member of members) {
    let changed: DbInstanceRecord = {
      ...member.value,
      settings: { ...member.value.settings, ...settings },
      parameterGroup,
      master,
      ...(begun && { phase: begun.phase }),
    }
    const isAdmitting = settings.VpcSecurityGroupIds !== before.VpcSecurityGroupIds
    const enforced = member.value.enforcedSecurityGroups ?? member.value.settings.VpcSecurityGroupIds
    if (isAdmitting) changed = { ...changed, enforcedSecurityGroups: enforced }
    // Whether the log is archived is the engine's to know, too.
    if (isAdmitting || isArchivingSwitched(before, settings)) {
      const flow = await reloadOf(control, changed)
      parts.push(flow.writes)
      flowIds.push(flow.id)
    }
    parts.push(dbInstances(control, key).update(member, changed))
  }
  if (verifier !== undefined) {
    const flow = control.flows.start('modify-db-cluster', passwordSubjectOf(key), { key })
    parts.push(flow.writes)
    flowIds.push(flow.id)
  }
  return { mutation: together(...parts), result: { record, flowIds } }
}
