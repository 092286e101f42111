/** What DescribeDBInstances says of replication: intent as the other instance's name, fact as a status. */
import type { DBInstance, DBInstanceStatusInfo } from '@aws-sdk/client-rds'
import type { ReplicationObstacle } from '#wire/agent/replication.ts'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import { findByKey, keyOf, type DbInstanceRecord, type InstanceKey } from '../db-instance/record.ts'
import { seenOf } from './observed.ts'
import { replicasOf } from './replicas.ts'

export async function replicationShown(
  control: Pick<Control, 'store'>,
  record: DbInstanceRecord,
): Promise<Pick<DBInstance, 'ReadReplicaDBInstanceIdentifiers' | 'ReadReplicaSourceDBInstanceIdentifier'>> {
  const names = await Promise.all((await replicasOf(control, keyOf(record))).map((key) => nameOf(control, record, key)))
  const source = record.replica && (await nameOf(control, record, record.replica.source))
  return {
    ReadReplicaDBInstanceIdentifiers: names.filter((name) => name !== undefined),
    ...(source !== undefined && { ReadReplicaSourceDBInstanceIdentifier: source }),
  }
}

/** As the instance's own region calls it: by name there, by ARN elsewhere. Undefined once it is gone. */
async function nameOf(
  control: Pick<Control, 'store'>,
  from: DbInstanceRecord,
  key: InstanceKey,
): Promise<string | undefined> {
  const other = (await findByKey(control, key))?.value
  if (!other) return undefined
  return other.region === from.region ? other.id : rdsArn(other, 'db', other.id)
}

const REASONS: Readonly<Record<ReplicationObstacle, string>> = {
  'log-removed':
    'The source no longer has the log that the replica needs; it catches up from the archive, or is rebuilt.',
  diverged: "The replica's data is not a past state of its source; the replica is rebuilt.",
  settings: 'The source allows more than the replica was started with; the replica is restarted.',
}

/** AWS: RDS API reference, DBInstanceStatusInfo. Empty for what is no replica, or not one yet. */
export function replicationStatus(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): DBInstanceStatusInfo[] {
  if (!record.replica || !record.endpointKnown) return []
  const status = (Status: string, Message?: string): DBInstanceStatusInfo[] => [
    { StatusType: 'read replication', Normal: Status === 'replicating', Status, ...(Message && { Message }) },
  ]
  if (record.replica.state === 'terminated') return status('terminated', 'The source of the read replica was deleted.')
  const { isStreaming, obstacle } = seenOf(control, record)
  if (obstacle) return status('error', REASONS[obstacle])
  const isReplicating = isStreaming ?? record.replica.state === 'replicating'
  return isReplicating ? status('replicating') : status('error', 'The replica does not receive the log of its source.')
}
