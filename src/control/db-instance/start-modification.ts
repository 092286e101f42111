import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { instanceEvent } from '../flows/context.ts'
import { phaseWhile } from './modify-decision.ts'
import { keyOf, subjectOf, type DbInstanceRecord, type PendingChanges, type Phase } from './record.ts'

export interface StartedModification {
  readonly flowId: string
  /** Of the instance while the changes are made, for the caller's write of the record. */
  readonly phase: Phase
  readonly writes: Mutation
}

/** Writes that start the flow which makes these pending changes. `isMaintenance`: nobody asked for them by name. */
export function startModification(
  control: Control,
  record: DbInstanceRecord,
  { apply, isMaintenance = false }: { apply: readonly (keyof PendingChanges)[]; isMaintenance?: boolean },
): StartedModification {
  const key = keyOf(record)
  const flow = control.flows.start('modify-db-instance', subjectOf(key), { key, apply, isMaintenance })
  const phase = phaseWhile(apply)
  return {
    flowId: flow.id,
    phase: isMaintenance && phase === 'modifying' ? 'maintenance' : phase,
    writes: together(
      flow.writes,
      apply.includes('EngineVersion') ? instanceEvent(control, record, 'RDS-EVENT-0264') : NOTHING,
      apply.includes('AllocatedStorage') ? instanceEvent(control, record, 'RDS-EVENT-0018') : NOTHING,
    ),
  }
}
