/** What concerns a running engine and changes beside its instance: values of its parameter group, rules of its security groups. */
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { commit, type Control, type Scope } from '../control.ts'
import { dbInstances, keyOf, parametersSubjectOf, type DbInstanceRecord } from './record.ts'
import { started } from './started.ts'

type Flows = Pick<Control, 'flows' | 'clock'>

/**
 * Writes that start the flow which brings everything as it is by then to the engine. An earlier one that has not ended
 * is superseded: two at once might bring the older state last.
 */
export function reloadOf(control: Flows, record: DbInstanceRecord): ReturnType<Control['flows']['supersede']> {
  const key = keyOf(record)
  return control.flows.supersede('apply-db-parameters', parametersSubjectOf(key), { key, at: control.clock.now() })
}

interface Members {
  readonly flowIds: readonly string[]
  readonly writes: Mutation
  /** Resource ids of the instances that the flows are for. */
  readonly resourceIds: ReadonlySet<string>
}

/** Flows for the members of a security group whose rules change in the same transaction. */
export async function reloadMembers(
  control: Flows & Pick<Control, 'store'>,
  scope: Scope,
  groupId: string,
  except: ReadonlySet<string> = new Set(),
): Promise<Members> {
  const records = (await dbInstances(control, scope).list()).map(({ value }) => value)
  const members = records.filter(
    ({ settings, phase, resourceId }) =>
      settings.VpcSecurityGroupIds.includes(groupId) && phase !== 'deleting' && !except.has(resourceId),
  )
  const flows = await Promise.all(members.map((record) => reloadOf(control, record)))
  return {
    flowIds: flows.map(({ id }) => id),
    writes: flows.length === 0 ? NOTHING : together(...flows.map(({ writes }) => writes)),
    resourceIds: new Set(members.map(({ resourceId }) => resourceId)),
  }
}

/** After the transaction: an instance that has become a member meanwhile may have read the rules of before. */
export async function reloadLateMembers(
  control: Control,
  scope: Scope,
  groupId: string,
  known: Members,
): Promise<void> {
  for (const id of known.flowIds) await started(control, id)
  for (;;) {
    const late = await reloadMembers(control, scope, groupId, known.resourceIds)
    if (late.flowIds.length > 0 && !(await commit(control, late.writes)).committed) continue
    for (const id of late.flowIds) await started(control, id)
    return
  }
}
