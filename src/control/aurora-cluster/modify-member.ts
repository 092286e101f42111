/** ModifyDBInstance of an instance of an Aurora cluster: what it has of its own. */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { NOTHING, together } from '#store/collection.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { instanceNotAvailable, invalidCombination } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { parseBackupWindow, parseMaintenanceWindow, windowsOverlap } from '../db-instance/identifiers.ts'
import { dbInstances, type DbInstanceRecord, type DbInstanceSettings } from '../db-instance/record.ts'
import { requireLicense, resolveParameterGroup, windowsMustNotOverlap } from '../db-instance/settings.ts'
import { majorOf } from '../db-instance/spec.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'
import { instanceEvent } from '../flows/context.ts'
import { requirePromotionTier } from './create-member.ts'
import { refuseOfMemberLater } from './member-rules.ts'
import { adopting, restartMember } from './restart-member.ts'
import { requireAuroraClass } from './settings.ts'

type Input = ModifyDBInstanceMessage & { DBInstanceIdentifier: string }

export async function modifyAuroraMember(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    const before = held.value
    const status = statusOf(control, before)
    if (!['available', 'incompatible-parameters', 'storage-full'].includes(status))
      throw instanceNotAvailable(before.id, status)
    refuseOfMemberLater(input)
    refuseUnavailable(control, { ...input })
    refuseNotYet(before, input)
    const changed = await withChanges(control, scope, before, input)
    const isResized = changed.settings.DBInstanceClass !== before.settings.DBInstanceClass
    if (isResized && input.ApplyImmediately !== true)
      throw invalidCombination(
        'The class of an instance of an Aurora DB cluster can only be changed at once in Holdfast yet: specify ApplyImmediately.',
      )
    const restart = isResized
      ? await restartMember(control, { ...adopting(control, changed), phase: 'modifying' }, 'modify')
      : undefined
    const record = restart?.record ?? changed
    return {
      mutation: together(
        dbInstances(control, scope).update(held, record),
        restart?.writes ?? NOTHING,
        isResized ? instanceEvent(control, record, 'RDS-EVENT-0012') : NOTHING,
      ),
      result: { record, flowId: restart?.flowId },
    }
  })
  if (flowId !== undefined) await started(control, flowId)
  return record
}

function refuseNotYet({ id, settings }: DbInstanceRecord, input: Input): void {
  const now: Readonly<Record<string, unknown>> = {
    NewDBInstanceIdentifier: id,
    CACertificateIdentifier: settings.CACertificateIdentifier,
  }
  for (const [member, current] of Object.entries(now)) {
    const wanted = input[member as keyof Input]
    if (wanted !== undefined && wanted !== current)
      throw invalidCombination(`${member} of an instance of an Aurora DB cluster cannot be changed in Holdfast yet.`)
  }
  if (input.LicenseModel !== undefined) requireLicense(input.LicenseModel)
  if (input.Engine !== undefined && input.Engine !== 'aurora-postgresql')
    throw invalidCombination('The engine of an instance of an Aurora DB cluster cannot be changed.')
  if (input.CloudwatchLogsExportConfiguration?.EnableLogTypes?.length)
    throw invalidCombination('Export of logs to CloudWatch Logs is not available yet.')
}

/** Members whose value simply is the setting. */
const AT_ONCE = [
  'AutoMinorVersionUpgrade',
  'CopyTagsToSnapshot',
  'PreferredMaintenanceWindow',
  'PubliclyAccessible',
] as const satisfies readonly (keyof DbInstanceSettings & keyof Input)[]

async function withChanges(
  control: Control,
  scope: Scope,
  record: DbInstanceRecord,
  input: Input,
): Promise<DbInstanceRecord> {
  const { settings, aurora } = record
  const given = AT_ONCE.filter((member) => input[member] !== undefined).map((member) => [member, input[member]])
  const wanted: DbInstanceSettings = { ...settings, ...(Object.fromEntries(given) as Partial<DbInstanceSettings>) }
  const PreferredMaintenanceWindow = wanted.PreferredMaintenanceWindow.toLowerCase()
  const windows = [parseBackupWindow(wanted.PreferredBackupWindow), parseMaintenanceWindow(PreferredMaintenanceWindow)]
  if (windowsOverlap(windows[0]!, windows[1]!)) throw windowsMustNotOverlap()
  const version = { engine: record.engine, major: majorOf(settings.EngineVersion) }
  const group = input.DBParameterGroupName
  return {
    ...record,
    settings: {
      ...wanted,
      PreferredMaintenanceWindow,
      DBInstanceClass:
        input.DBInstanceClass === undefined
          ? settings.DBInstanceClass
          : requireAuroraClass(input.DBInstanceClass, settings),
    },
    // In force with the next reboot.
    parameterGroup:
      group === undefined ? record.parameterGroup : await resolveParameterGroup(control, scope, group, version),
    // A changed tier triggers nothing: it counts when a writer is lost.
    aurora: {
      ...aurora!,
      ...(input.PromotionTier !== undefined && { promotionTier: requirePromotionTier(input.PromotionTier) }),
    },
  }
}
