/** RestoreDBInstanceToPointInTime: a new instance with what another one had at a time. */
import type { RestoreDBInstanceToPointInTimeMessage } from '@aws-sdk/client-rds'
import {
  DBInstanceAutomatedBackupNotFoundFault,
  InvalidDBInstanceStateFault,
  PointInTimeRestoreNotEnabledFault,
} from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { Control, Scope } from '../control.ts'
import { instanceExists, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { requireInstance } from '../db-instance/find.ts'
import { requireIdentifier } from '../db-instance/identifiers.ts'
import { chooseZone } from '../db-instance/placement.ts'
import { dbInstances, keyOf, type DbInstanceRecord, type InstanceKey } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { listAutomatedBackups } from '../db-snapshot/automated-backups.ts'
import { sourceOf, type SnapshotSource } from '../db-snapshot/record.ts'
import { restoreFrom } from '../db-snapshot/restore.ts'
import { requireWhole } from './whole.ts'
import { restoreWindow, type RestoreWindow } from './window.ts'

type Input = RestoreDBInstanceToPointInTimeMessage & { TargetDBInstanceIdentifier: string }

interface Source {
  readonly key: InstanceKey
  readonly instance: SnapshotSource
  readonly window: RestoreWindow
}

export async function restoreToPointInTime(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('TargetDBInstanceIdentifier', input.TargetDBInstanceIdentifier)
  const source = await requireSource(control, scope, input)
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  const time = requireTime(input, source)
  const prefix = archivePrefix(source.key)
  await requireWhole(control, chooseZone(control, scope, input.AvailabilityZone), { prefix, time })
  return restoreFrom(control, scope, input, {
    id,
    what: 'DB instance',
    instance: source.instance,
    flowInput: { archive: { prefix, time, sourceName: source.instance.id } },
  })
}

async function requireSource(control: Control, scope: Scope, input: Input): Promise<Source> {
  const { SourceDBInstanceIdentifier, SourceDbiResourceId, SourceDBInstanceAutomatedBackupsArn } = input
  const named = [SourceDBInstanceIdentifier, SourceDbiResourceId, SourceDBInstanceAutomatedBackupsArn]
  if (named.filter((name) => name !== undefined).length !== 1)
    throw invalidCombination(
      'Specify exactly one of SourceDBInstanceIdentifier, SourceDbiResourceId and SourceDBInstanceAutomatedBackupsArn.',
    )
  if (SourceDBInstanceIdentifier !== undefined) return sourceInstance(control, scope, SourceDBInstanceIdentifier)
  const [found] = await listAutomatedBackups(control, scope, {
    DbiResourceId: SourceDbiResourceId,
    DBInstanceAutomatedBackupsArn: SourceDBInstanceAutomatedBackupsArn,
  })
  if (!found?.window)
    throw fault(DBInstanceAutomatedBackupNotFoundFault, 'No automated backup for this DB instance was found.')
  const { instance, window } = found
  return { key: { ...found.scope, resourceId: instance.resourceId }, instance, window }
}

async function sourceInstance(control: Control, scope: Scope, identifier: string): Promise<Source> {
  const { value: record } = await requireInstance(control, scope, identifier)
  refuseMember(record, 'RestoreDBInstanceToPointInTime')
  if (record.settings.BackupRetentionPeriod === 0)
    throw fault(
      PointInTimeRestoreNotEnabledFault,
      `Point in time restore is not enabled for the DB instance ${record.id}: its BackupRetentionPeriod is 0.`,
    )
  const window = await restoreWindow(control, keyOf(record), record)
  // AWS: RDS API reference, RestoreDBInstanceToPointInTime, Errors: an instance without a backup yet is not in a valid state.
  if (!window)
    throw fault(InvalidDBInstanceStateFault, `The DB instance ${record.id} has no backup yet that could be restored.`)
  return { key: keyOf(record), instance: sourceOf(record), window }
}

/** Undefined: the latest. */
function requireTime(
  { RestoreTime, UseLatestRestorableTime }: Input,
  { instance, window }: Source,
): number | undefined {
  if (UseLatestRestorableTime) {
    if (RestoreTime !== undefined)
      throw invalidCombination('RestoreTime cannot be specified when UseLatestRestorableTime is true.')
    return undefined
  }
  if (RestoreTime === undefined)
    throw invalidCombination('Either RestoreTime or UseLatestRestorableTime must be specified.')
  const time = RestoreTime.getTime()
  if (!(time >= window.from && time <= window.to))
    throw invalidValue(
      `The DB instance ${instance.id} cannot be restored to ${RestoreTime.toISOString()}: it can be restored to times ` +
        `from ${new Date(window.from).toISOString()} to ${new Date(window.to).toISOString()}.`,
    )
  return time
}
