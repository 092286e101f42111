/** What instances may not do because they are read replicas, or have some. */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { DBUpgradeDependencyFailureFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { Control } from '../control.ts'
import { invalidCombination, invalidState } from '../db-instance/faults.ts'
import { findByKey, keyOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { majorOf } from '../db-instance/spec.ts'
import { CASCADE_MAJOR_MIN } from './limits.ts'
import { replicasOf } from './replicas.ts'

/** AWS: RDS User Guide, "Stopping an Amazon RDS DB instance temporarily", limitations. */
export async function refuseToStop(control: Control, record: DbInstanceRecord): Promise<void> {
  if (record.replica) throw invalidState('Cannot stop or start a Read-Replica instance')
  const [first] = await replicasOf(control, keyOf(record))
  if (first) throw invalidState(`Cannot stop the DB instance ${record.id} because it is the source of read replicas.`)
}

/** AWS: RDS API reference, DeleteDBInstance, FinalDBSnapshotIdentifier. */
export function refuseFinalSnapshot(record: DbInstanceRecord, name: string | undefined): void {
  if (record.replica && name !== undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier can not be specified when deleting a replica instance')
}

type Asked = Pick<
  ModifyDBInstanceMessage,
  | 'MasterUserPassword'
  | 'ManageMasterUserPassword'
  | 'RotateMasterUserPassword'
  | 'MultiAZ'
  | 'BackupRetentionPeriod'
  | 'EngineVersion'
>

export async function refuseModification(control: Control, record: DbInstanceRecord, asked: Asked): Promise<void> {
  if (record.replica) refuseOfReplica(control, record, asked)
  const replicas = await replicasOf(control, keyOf(record))
  if (replicas.length === 0) return
  if (asked.BackupRetentionPeriod === 0)
    throw invalidCombination(
      `Automated backups cannot be disabled for DB instance ${record.id} because it is the source of read replicas.`,
    )
  if (asked.ManageMasterUserPassword)
    throw invalidCombination('ManageMasterUserPassword cannot be enabled for a DB instance that has read replicas.')
  if (asked.EngineVersion !== undefined && asked.EngineVersion !== record.settings.EngineVersion)
    await requireUpgradedReplicas(control, record, asked.EngineVersion)
}

function refuseOfReplica(control: Control, record: DbInstanceRecord, asked: Asked): void {
  if (asked.MasterUserPassword !== undefined || asked.ManageMasterUserPassword || asked.RotateMasterUserPassword)
    throw invalidCombination(
      'Cannot change master user password on an RDS postgres Read Replica because it uses physical replication and therefore cannot differ from its parent.',
    )
  if (asked.MultiAZ && !control.simulated)
    throw invalidCombination('A read replica with a standby of its own is not available yet: use MultiAZ=false.')
  if (asked.BackupRetentionPeriod && Number(majorOf(record.settings.EngineVersion)) < CASCADE_MAJOR_MIN)
    throw invalidState('DB Backups not supported on a read replica for engine postgres')
}

/**
 * A standby reads the log of an older minor version than its own, not always that of a newer one.
 * AWS: RDS User Guide, "Upgrading the PostgreSQL DB engine", minor version upgrades.
 */
async function requireUpgradedReplicas(control: Control, record: DbInstanceRecord, version: string): Promise<void> {
  const minor = (text: string): number => Number(text.split('.')[1])
  const behind: string[] = []
  for (const key of await replicasOf(control, keyOf(record))) {
    const replica = (await findByKey(control, key))?.value
    if (replica && minor(replica.settings.EngineVersion) < minor(version)) behind.push(replica.id)
  }
  if (behind.length > 0)
    throw fault(
      DBUpgradeDependencyFailureFault,
      `One or more of the DB Instance's read replicas need to be upgraded: ${behind.join(', ')}`,
    )
}
