import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { lossOfPrimary } from './copies.ts'

/** Writes that start bringing an instance back whose primary is gone; undefined: it serves, or nobody can tell. */
export function startRecovery(
  control: Control,
  held: Held<DbInstanceRecord>,
): { readonly id: string; readonly writes: Mutation } | undefined {
  const record = held.value
  const because = record.standby && record.phase === 'available' ? lossOfPrimary(control, record) : undefined
  if (because === undefined) return undefined
  const key = keyOf(record)
  const flow = control.flows.start('recover-db-instance', subjectOf(key), { key, isForced: false, because })
  const rebooting = dbInstances(control, key).update(held, { ...record, phase: 'rebooting' })
  return { id: flow.id, writes: together(rebooting, flow.writes) }
}
