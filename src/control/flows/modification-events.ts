import type { EventId } from '#catalog/events.ts'
import type { Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord, PendingChanges } from '../db-instance/record.ts'
import { instanceEvent } from './context.ts'

const EVENTS: Partial<Record<keyof PendingChanges, { id: EventId; text: (value: unknown) => string }>> = {
  DBInstanceClass: {
    id: 'RDS-EVENT-0014',
    text: (value) => `Finished applying modification to DB instance class: ${String(value)}`,
  },
  EngineVersion: { id: 'RDS-EVENT-0047', text: (value) => `The database was patched to version ${String(value)}` },
  AllocatedStorage: {
    id: 'RDS-EVENT-0017',
    text: (value) => `Finished applying modification to allocated storage: ${String(value)} GiB`,
  },
  Port: { id: 'RDS-EVENT-0009', text: (value) => `The port was changed to ${String(value)}` },
  BackupRetentionPeriod: {
    id: 'RDS-EVENT-0028',
    text: (value) => `The backup retention period is now ${String(value)} days`,
  },
}

/** The events that these changes leave behind once they are made. */
export function modificationEvents(
  control: Control,
  record: DbInstanceRecord,
  names: readonly (keyof PendingChanges)[],
): Mutation[] {
  return names.flatMap((name) => {
    const event = EVENTS[name]
    return event ? [instanceEvent(control, record, event.id, event.text(record.pending[name]))] : []
  })
}
