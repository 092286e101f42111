/** How a snapshot's record follows the job that copies the data. */
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import type { SnapshotKind } from '../db-snapshot/kind.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { recordEvent } from '../event/event.ts'

type HeldSnapshot = Held<DbSnapshotRecord>

export function snapshotEvent(
  control: Control,
  kind: SnapshotKind,
  ...[record, moment]: [DbSnapshotRecord, 'creating' | 'created' | 'deleted']
): Mutation {
  const isDeleted = moment === 'deleted'
  const id = isDeleted ? (record.type === 'manual' ? kind.events.deleted : undefined) : kind.events[record.type][moment]
  if (id === undefined) return NOTHING
  const sourceArn = rdsArn(record, kind.type, record.id)
  return recordEvent(control, record, { id, sourceType: kind.source, sourceId: record.id, sourceArn })
}

/** Writes with which it is there; none where it is gone. */
export function snapshotSucceeded(
  control: Control,
  kind: SnapshotKind,
  ...[held, { sizeBytes, log }]: [HeldSnapshot | undefined, SnapshotFacts]
): Mutation {
  if (!held) return NOTHING
  const record = { ...held.value, status: 'available', sizeBytes, log } as const
  return together(
    kind.collection(control, record).update(held, record),
    snapshotEvent(control, kind, record, 'created'),
  )
}

export function snapshotFailed(
  control: Control,
  kind: SnapshotKind,
  ...[held, complaint]: [HeldSnapshot | undefined, string]
): Mutation {
  if (!held) return NOTHING
  return kind.collection(control, held.value).update(held, { ...held.value, status: 'failed', complaint })
}
