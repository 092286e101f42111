import type { EventId } from '#catalog/events.ts'
import type { Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord, PendingChanges } from '../db-instance/record.ts'
import { instanceEvent } from './context.ts'

interface Telling {
  readonly id: EventId
  readonly text: (value: unknown) => string
}

const EVENTS: Partial<Record<keyof PendingChanges, Telling>> = {
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
}

const TWO_COPIES: Telling = {
  id: 'RDS-EVENT-0025',
  text: () => 'Finished applying modification to convert to a Multi-AZ DB instance',
}
const ONE_COPY: Telling = {
  id: 'RDS-EVENT-0029',
  text: () => 'Finished applying modification to convert to a standard (Single-AZ) DB instance',
}

/** Only switching backups on or off is ever pending. */
const BACKUPS_ON: Telling = {
  id: 'RDS-EVENT-0032',
  text: (value) => `Enabled automated backups, kept for ${String(value)} days`,
}
const BACKUPS_OFF: Telling = { id: 'RDS-EVENT-0028', text: () => 'Disabled automated backups' }

const GROWN: Telling = {
  id: 'RDS-EVENT-0218',
  text: (value) => `Finished applying autoscaling-initiated modification to allocated storage: ${String(value)} GiB`,
}

function tellingOf(name: keyof PendingChanges, value: unknown): Telling | undefined {
  if (name === 'BackupRetentionPeriod') return value === 0 ? BACKUPS_OFF : BACKUPS_ON
  if (name === 'MultiAZ') return value === true ? TWO_COPIES : ONE_COPY
  return EVENTS[name]
}

/** The events that these changes leave behind once they are made. */
export function modificationEvents(
  control: Control,
  record: DbInstanceRecord,
  { names, isAutoscaling = false }: { names: readonly (keyof PendingChanges)[]; isAutoscaling?: boolean | undefined },
): Mutation[] {
  return names.flatMap((name) => {
    const grown = isAutoscaling && name === 'AllocatedStorage'
    const event = grown ? GROWN : tellingOf(name, record.pending[name])
    return event ? [instanceEvent(control, record, event.id, event.text(record.pending[name]))] : []
  })
}
