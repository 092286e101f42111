/** PromoteReadReplica. */
import type { PromoteReadReplicaMessage } from '@aws-sdk/client-rds'
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { instanceNotAvailable, invalidCombination, invalidState } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { parseBackupWindow, parseMaintenanceWindow, windowsOverlap } from '../db-instance/identifiers.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { requireRetention, windowsMustNotOverlap } from '../db-instance/settings.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'
import { replicasOf } from './replicas.ts'

type Input = PromoteReadReplicaMessage & { DBInstanceIdentifier: string }

/** AWS: RDS API reference, PromoteReadReplica. */
const RETENTION_DAYS_DEFAULT = 1

export async function promoteReadReplica(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    await check(control, held.value, input)
    const record: DbInstanceRecord = { ...held.value, phase: 'modifying' }
    const key = keyOf(record)
    const flow = control.flows.start('promote-read-replica', subjectOf(key), {
      key,
      retentionDays: input.BackupRetentionPeriod ?? (record.settings.BackupRetentionPeriod || RETENTION_DAYS_DEFAULT),
      ...(input.PreferredBackupWindow !== undefined && { backupWindow: input.PreferredBackupWindow }),
    })
    return {
      mutation: together(dbInstances(control, scope).update(held, record), flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

async function check(control: Control, record: DbInstanceRecord, input: Input): Promise<void> {
  if (!record.replica) throw invalidState(`DB instance ${record.id} is not a read replica.`)
  const status = statusOf(control, record)
  if (status !== 'available') throw instanceNotAvailable(record.id, status)
  if (input.BackupRetentionPeriod !== undefined) requireRetention(input.BackupRetentionPeriod)
  if (input.BackupRetentionPeriod === 0 && (await replicasOf(control, keyOf(record))).length > 0)
    throw invalidCombination(
      `Automated backups cannot be disabled for DB instance ${record.id} because it is the source of read replicas.`,
    )
  if (input.PreferredBackupWindow === undefined) return
  const maintenance = parseMaintenanceWindow(record.settings.PreferredMaintenanceWindow)
  if (windowsOverlap(parseBackupWindow(input.PreferredBackupWindow), maintenance)) throw windowsMustNotOverlap()
}
