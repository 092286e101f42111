import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { dbInstances, type DbInstanceRecord, type PendingChanges } from '../db-instance/record.ts'
import { startModification } from '../db-instance/start-modification.ts'
import type { PendingAction } from './actions.ts'

/** Starts these actions now, in one flow: an upgrade and a new certificate cost one restart. */
export function beginMaintenance(
  control: Control,
  held: Held<DbInstanceRecord>,
  actions: readonly PendingAction[],
): { readonly record: DbInstanceRecord; readonly flowId: string; readonly writes: Mutation } {
  const now = control.clock.now()
  let { pending, maintenance } = held.value
  for (const { action, change } of actions) {
    pending = { ...pending, ...change }
    maintenance = { ...maintenance, [action]: { noticedAt: now, ...maintenance?.[action], attemptedAt: now } }
  }
  const apply = actions.flatMap(({ change }) => Object.keys(change) as (keyof PendingChanges)[])
  const flow = startModification(control, held.value, { apply, isMaintenance: true })
  const record: DbInstanceRecord = { ...held.value, pending, ...(maintenance && { maintenance }), phase: flow.phase }
  const writes = together(dbInstances(control, record).update(held, record), flow.writes)
  return { record, flowId: flow.flowId, writes }
}
