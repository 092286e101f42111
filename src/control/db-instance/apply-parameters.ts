/** What a change of a parameter group means for the instances that use it. */
import { together } from '#store/collection.ts'
import { commit, type Control, type Scope } from '../control.ts'
import { appliedGroupsOf, type GroupName } from '../parameter-group/record.ts'
import { dbInstances } from './record.ts'
import { reloadOf } from './reload.ts'
import { started } from './started.ts'

/**
 * Starts a flow per instance that was started with this group, so that changed values reach its engine. An earlier such
 * flow that has not ended is superseded: the new one brings the values as they are by then.
 */
export async function applyParameterGroup(control: Control, scope: Scope, group: GroupName): Promise<void> {
  for (const { value } of await dbInstances(control, scope).list()) {
    const isUsed = appliedGroupsOf(value).some(({ kind, name }) => name === group.name && kind === group.kind)
    if (!isUsed || value.phase === 'deleting') continue
    const flowId = await startFlow(control, scope, value.id)
    if (flowId !== undefined) await started(control, flowId)
  }
}

async function startFlow(control: Control, scope: Scope, id: string): Promise<string | undefined> {
  for (;;) {
    const held = await dbInstances(control, scope).get(id)
    if (!held) return undefined
    const flow = await reloadOf(control, held.value)
    const mutation = together(
      dbInstances(control, scope).update(held, { ...held.value, parameterStatus: 'applying' }),
      flow.writes,
    )
    if ((await commit(control, mutation)).committed) return flow.id
  }
}
