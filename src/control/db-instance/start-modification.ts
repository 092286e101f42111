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

interface Modification {
  readonly apply: readonly (keyof PendingChanges)[]
  /** Nobody asked for the changes by name. */
  readonly isMaintenance?: boolean
  /** Nobody asked for more storage: there was too little. */
  readonly isAutoscaling?: boolean
}

/** Writes that start the flow which makes these pending changes. */
export function startModification(
  control: Control,
  record: DbInstanceRecord,
  { apply, isMaintenance = false, isAutoscaling = false }: Modification,
): StartedModification {
  const key = keyOf(record)
  const flow = control.flows.start('modify-db-instance', subjectOf(key), {
    key,
    apply,
    isMaintenance,
    isAutoscaling,
  })
  const phase = phaseWhile(apply)
  return {
    flowId: flow.id,
    phase: isMaintenance && phase === 'modifying' ? 'maintenance' : phase,
    writes: together(
      flow.writes,
      apply.includes('EngineVersion') ? instanceEvent(control, record, 'RDS-EVENT-0264') : NOTHING,
      apply.includes('AllocatedStorage')
        ? instanceEvent(control, record, isAutoscaling ? 'RDS-EVENT-0217' : 'RDS-EVENT-0018')
        : NOTHING,
    ),
  }
}
