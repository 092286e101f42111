/** ModifyDBInstance: checks the request against the instance as it is, and writes what {@link decideModification} says. */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { InvalidVPCNetworkStateFault } from '@aws-sdk/client-rds'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { refuseModification } from '../read-replica/rules.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { resolveVpcSecurityGroups } from '../network/membership.ts'
import { requireOptionGroup } from '../option-group/option-groups.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { rdsArn } from '../arn.ts'
import { scheduleBackups } from './backups.ts'
import { instanceExists, instanceNotAvailable, invalidCombination, invalidValue } from './faults.ts'
import { requireInstance } from './find.ts'
import {
  parseBackupWindow,
  parseMaintenanceWindow,
  requireIdentifier,
  requirePort,
  windowsOverlap,
} from './identifiers.ts'
import { newCredentials, type Credentials } from './credentials.ts'
import { decideModification, type Decision } from './modify-decision.ts'
import { checkedStorage } from './modify-storage.ts'
import { ownerOfPort, takePort } from './ports.ts'
import {
  dbInstances,
  keyOf,
  timerSubjectOf,
  type DbInstanceRecord,
  type DbInstanceSettings,
  type PendingChanges,
} from './record.ts'
import {
  requireCa,
  requireClass,
  requireLicense,
  requireRetention,
  resolveParameterGroup,
  windowsMustNotOverlap,
} from './settings.ts'
import { reloadOf } from './reload.ts'
import { checkUpgrade } from './upgrade.ts'
import { majorOf } from './spec.ts'
import { startModification } from './start-modification.ts'
import { scalingChanged } from '../storage/start-scaling.ts'
import { started } from './started.ts'
import { statusOf } from './status.ts'

type Input = ModifyDBInstanceMessage & { DBInstanceIdentifier: string }

export async function modifyDbInstance(control: Control, scope: Scope, asked: Input): Promise<DbInstanceRecord> {
  const { record, flowIds } = await transact(control, async () => {
    const held = await requireInstance(control, scope, asked.DBInstanceIdentifier)
    refuseMember(held.value, 'ModifyDBInstance')
    const { master } = held.value
    const input = await checked(control, scope, held.value, asked)
    const credentials = await newCredentials(control, scope, { master, arn: rdsArn(scope, 'db', held.value.id) }, input)
    const decision = decideModification(held.value, input, credentials.verifier)
    return write(control, held, { input, decision, credentials })
  })
  for (const id of flowIds) await started(control, id)
  return record
}

/** The request with its values in their stored form. Throws for the first thing that cannot be. */
async function checked(control: Control, scope: Scope, record: DbInstanceRecord, asked: Input): Promise<Input> {
  const status = statusOf(control, record)
  if (status !== 'available' && status !== 'incompatible-parameters' && status !== 'storage-full')
    throw instanceNotAvailable(record.id, status)
  refuseUnavailable(control, asked)
  refuseForeign(asked)
  await refuseModification(control, record, asked)
  const input: Input = { ...asked }
  if (asked.DBInstanceClass !== undefined) requireClass(asked.DBInstanceClass)
  if (asked.LicenseModel !== undefined) requireLicense(asked.LicenseModel)
  if (asked.BackupRetentionPeriod !== undefined) requireRetention(asked.BackupRetentionPeriod)
  if (asked.EngineVersion !== undefined) input.EngineVersion = checkUpgrade(control, record, asked)
  if (asked.CACertificateIdentifier !== undefined) await requireCa(control, scope, asked.CACertificateIdentifier)
  if (asked.OptionGroupName !== undefined)
    input.OptionGroupName = (await requireOptionGroup(control, scope, asked.OptionGroupName)).name
  if (asked.DBParameterGroupName !== undefined) {
    const major = majorOf(input.EngineVersion ?? record.settings.EngineVersion)
    const version = { engine: record.engine, major }
    input.DBParameterGroupName = await resolveParameterGroup(control, scope, asked.DBParameterGroupName, version)
  }
  if (asked.DBPortNumber !== undefined) await checkPort(control, record, asked.DBPortNumber)
  checkWindows(record, input)
  await checkName(control, scope, record, input)
  await checkNetwork(control, scope, record, input)
  return { ...input, ...(await checkedStorage(control, record, asked)) }
}

function refuseForeign(asked: Input): void {
  if (asked.Engine !== undefined && asked.Engine !== 'postgres')
    throw invalidCombination('The engine of a PostgreSQL DB instance cannot be changed.')
  if (asked.DBSecurityGroups?.length)
    throw invalidCombination('DBSecurityGroups are for EC2-Classic. Use VpcSecurityGroupIds.')
  if (asked.ProcessorFeatures?.length || asked.UseDefaultProcessorFeatures !== undefined)
    throw invalidCombination('ProcessorFeatures are not supported for engine postgres.')
  if (asked.PromotionTier !== undefined)
    throw invalidCombination('PromotionTier is for instances of Aurora DB clusters.')
  if (asked.ReplicaMode !== undefined) throw invalidCombination('ReplicaMode is not supported for engine postgres.')
  if (asked.AutomationMode !== undefined || asked.ResumeFullAutomationModeMinutes !== undefined)
    throw invalidCombination('AutomationMode is valid only for RDS Custom.')
  if (asked.CloudwatchLogsExportConfiguration?.EnableLogTypes?.length)
    throw invalidCombination('Export of logs to CloudWatch Logs is not available yet.')
}

async function checkPort(control: Control, record: DbInstanceRecord, port: number): Promise<void> {
  requirePort('DBPortNumber', port)
  if (port === record.port || control.simulated) return
  if ((await ownerOfPort(control, port)) !== undefined || !(await control.isPortFree(port)))
    throw invalidValue(`Port ${port} is in use on this host. Choose another DBPortNumber.`)
}

function checkWindows(record: DbInstanceRecord, input: Input): void {
  if (input.PreferredBackupWindow === undefined && input.PreferredMaintenanceWindow === undefined) return
  input.PreferredMaintenanceWindow = (
    input.PreferredMaintenanceWindow ?? record.settings.PreferredMaintenanceWindow
  ).toLowerCase()
  const backup = parseBackupWindow(input.PreferredBackupWindow ?? record.settings.PreferredBackupWindow)
  if (windowsOverlap(backup, parseMaintenanceWindow(input.PreferredMaintenanceWindow))) throw windowsMustNotOverlap()
}

async function checkName(control: Control, scope: Scope, record: DbInstanceRecord, input: Input): Promise<void> {
  if (input.NewDBInstanceIdentifier === undefined) return
  input.NewDBInstanceIdentifier = requireIdentifier('NewDBInstanceIdentifier', input.NewDBInstanceIdentifier)
  if (input.NewDBInstanceIdentifier === record.id) return
  if (await dbInstances(control, scope).get(input.NewDBInstanceIdentifier)) throw instanceExists()
}

async function checkNetwork(control: Control, scope: Scope, record: DbInstanceRecord, input: Input): Promise<void> {
  const current = await requireSubnetGroup(control, scope, record.settings.DBSubnetGroupName)
  if (input.DBSubnetGroupName !== undefined) {
    const group = await requireSubnetGroup(control, scope, input.DBSubnetGroupName)
    if (group.vpcId === current.vpcId)
      throw fault(
        InvalidVPCNetworkStateFault,
        `You cannot move DB instance ${record.id} to subnet group ${group.name}. The specified DB subnet group and DB instance are in the same VPC. Choose a DB subnet group in different VPC than the specified DB instance and try again.`,
      )
    input.DBSubnetGroupName = group.name
  }
  if (input.VpcSecurityGroupIds !== undefined)
    input.VpcSecurityGroupIds = [
      ...(await resolveVpcSecurityGroups(control, scope, input.VpcSecurityGroupIds, current.vpcId)),
    ]
}

/** Whether backups that go on go on differently. Switching them on or off is a pending change. */
const backupsChange = (before: DbInstanceSettings, after: DbInstanceSettings): boolean =>
  after.BackupRetentionPeriod > 0 &&
  (before.BackupRetentionPeriod !== after.BackupRetentionPeriod ||
    before.PreferredBackupWindow !== after.PreferredBackupWindow)

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id) => b.includes(id))

interface Modification {
  readonly input: Input
  readonly decision: Decision
  readonly credentials: Credentials
}

async function write(
  control: Control,
  held: Held<DbInstanceRecord>,
  { input, decision, credentials }: Modification,
): Promise<{ mutation: Mutation; result: { record: DbInstanceRecord; flowIds: string[] } }> {
  const key = keyOf(held.value)
  const parts: Mutation[] = [credentials.writes]
  const flowIds: string[] = []
  let record: DbInstanceRecord = {
    ...held.value,
    settings: decision.settings,
    pending: decision.pending,
    parameterGroup: input.DBParameterGroupName ?? held.value.parameterGroup,
    master: credentials.master ?? held.value.master,
  }
  if (decision.apply.length > 0) {
    const flow = startModification(control, held.value, { apply: decision.apply })
    // What it was failed for is what this may put right.
    record = { ...record, phase: flow.phase, ...(record.phase === 'failed' && { complaint: undefined }) }
    parts.push(flow.writes)
    flowIds.push(flow.flowId)
  }
  const queued = (Object.keys(decision.pending) as (keyof PendingChanges)[]).filter(
    (name) => !decision.apply.includes(name),
  )
  if (queued.length > 0) {
    const timer = await control.flows.supersede('apply-pending-modifications', timerSubjectOf(key, 'maintenance'), {
      key,
    })
    parts.push(timer.writes)
  }
  if (decision.pending.Port !== undefined && !control.simulated && decision.apply.includes('Port'))
    parts.push(takePort(decision.pending.Port, held.value.resourceId))
  if (!isSameSet(held.value.settings.VpcSecurityGroupIds, record.settings.VpcSecurityGroupIds)) {
    const before = held.value.enforcedSecurityGroups ?? held.value.settings.VpcSecurityGroupIds
    record = { ...record, enforcedSecurityGroups: before }
    const flow = await reloadOf(control, record)
    parts.push(flow.writes)
    flowIds.push(flow.id)
  }
  if (input.MaxAllocatedStorage !== undefined) parts.push(await scalingChanged(control, record))
  if (backupsChange(held.value.settings, record.settings)) parts.push(await scheduleBackups(control, record))
  parts.push(dbInstances(control, key).update(held, record))
  return { mutation: together(...parts), result: { record, flowIds } }
}
