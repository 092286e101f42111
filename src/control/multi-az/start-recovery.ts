import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { lossOfPrimary } from './copies.ts'

interface Recovery {
  readonly id: string
  readonly writes: Mutation
}

/** Writes that start bringing an instance back whose primary is gone; undefined: it serves, or nobody can tell. */
export function startRecovery(control: Control, held: Held<DbInstanceRecord>): Recovery | undefined {
  const record = held.value
  const because = record.standby && record.phase === 'available' ? lossOfPrimary(control, record) : undefined
  return because === undefined ? undefined : recovery(control, held, { because, isRetry: false })
}

/** It was tried in vain, and what kept it from coming back may be over, as a full disk: no agent tries it by itself. */
export const isLeftFailed = ({ phase, standby, endpointKnown }: DbInstanceRecord): boolean =>
  phase === 'failed' && standby !== undefined && endpointKnown

export const retryRecovery = (control: Control, held: Held<DbInstanceRecord>): Recovery =>
  recovery(control, held, { because: lossOfPrimary(control, held.value) ?? '', isRetry: true })

function recovery(
  control: Control,
  held: Held<DbInstanceRecord>,
  { because, isRetry }: { because: string; isRetry: boolean },
): Recovery {
  const record = held.value
  const key = keyOf(record)
  const flow = control.flows.start('recover-db-instance', subjectOf(key), { key, isForced: false, because, isRetry })
  const rebooting = dbInstances(control, key).update(held, { ...record, phase: 'rebooting' })
  return { id: flow.id, writes: together(rebooting, flow.writes) }
}
