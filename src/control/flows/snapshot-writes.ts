/** How a snapshot's record follows the job that copies the data. */
import type { EventId } from '#catalog/events.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import { rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { dbSnapshots, findSnapshot, type DbSnapshotRecord } from '../db-snapshot/record.ts'
import { recordEvent } from '../event/event.ts'

/** A snapshot as a flow's input names it. */
export interface SnapshotRef {
  readonly name: string
  readonly resourceId: string
}

export function snapshotEvent(control: Control, record: DbSnapshotRecord, id: EventId, message?: string): Mutation {
  return recordEvent(control, record, {
    id,
    sourceType: 'db-snapshot',
    sourceId: record.id,
    sourceArn: rdsArn(record, 'snapshot', record.id),
    ...(message !== undefined && { message }),
  })
}

export async function snapshotSucceeded(
  control: Control,
  scope: Scope,
  snapshot: SnapshotRef,
  facts: SnapshotFacts,
): Promise<Mutation> {
  const held = await findSnapshot(control, scope, snapshot.name, snapshot.resourceId)
  if (!held) return NOTHING
  const record = { ...held.value, status: 'available' as const, sizeBytes: facts.sizeBytes, log: facts.log }
  const event = record.type === 'automated' ? 'RDS-EVENT-0091' : 'RDS-EVENT-0042'
  return together(dbSnapshots(control, scope).update(held, record), snapshotEvent(control, record, event))
}

export async function snapshotFailed(
  control: Control,
  scope: Scope,
  snapshot: SnapshotRef,
  complaint: string,
): Promise<Mutation> {
  const held = await findSnapshot(control, scope, snapshot.name, snapshot.resourceId)
  if (!held) return NOTHING
  return dbSnapshots(control, scope).update(held, { ...held.value, status: 'failed', complaint })
}
