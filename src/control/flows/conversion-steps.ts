/** From one copy to two and back, while the first one serves. */
import { go, wait, type Next } from '#flow/flow.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { releasePort } from '../db-instance/ports.ts'
import { type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { withStandby } from '../multi-az/copies.ts'
import { placeSecondCopy } from '../multi-az/ports.ts'
import { instanceEvent, job, jobOn, replace, type FlowContext, type InstanceInput } from './context.ts'
import { keepStandby } from './standby-steps.ts'

type C = FlowContext<InstanceInput>

/** Writes with which the making of a second copy begins. The engine keeps the endpoint's port until it ends. */
export async function beginStandby(c: C, held: Held<DbInstanceRecord>): Promise<Mutation[]> {
  if (held.value.standby) return []
  const { standby, copyPorts, writes } = await placeSecondCopy(c.control, held.value, true)
  const before = held.value.copyPorts
  const record = withStandby({ ...held.value, copyPorts: before ?? copyPorts }, standby)
  const kept = before && { ...before, byZone: { ...copyPorts.byZone, ...before.byZone } }
  return [
    replace(c, held, kept ? { ...record, copyPorts: kept } : record),
    writes,
    instanceEvent(c.control, held.value, 'RDS-EVENT-0024'),
    await keepStandby(c),
  ]
}

/** Writes after which nobody waits for the second copy, nor may it take over. */
export const beginParting = (c: C, held: Held<DbInstanceRecord>): Mutation[] => [
  replace(c, held, withStandby(held.value, { zone: held.value.standby!.zone, state: 'leaving' })),
  instanceEvent(c.control, held.value, 'RDS-EVENT-0030'),
]

/** The primary is told first: it would wait for a standby that is being removed. */
export async function partWithStandby(c: C, held: Held<DbInstanceRecord>): Promise<Next<'settle'>> {
  const record = held.value
  const { standby, copyPorts } = record
  if (!standby) return go('settle')
  const told = await jobOn(c, record, {
    name: `part-${c.failures}`,
    kind: 'instance.reload',
    input: async () => ({ spec: await instanceSpec(c.control, record) }),
  })
  if (told.state === 'failed') throw new Error(`let commits go on: ${told.error.message}`)
  if (told.state === 'pending') return wait()
  const removed = await job(c, {
    zone: standby.zone,
    resourceId: record.resourceId,
    name: `remove-standby-${c.failures}`,
    kind: 'instance.remove',
    input: async () => ({ id: record.resourceId }),
  })
  if (removed.state === 'failed') throw new Error(`remove the standby: ${removed.error.message}`)
  if (removed.state === 'pending') return wait()
  // The flow forgets at its end the jobs of the hosts that have a copy then.
  await c.control.hosts.forgetJobs(standby.zone, `${record.resourceId}/${c.flowId}/`)
  const { [standby.zone]: port, ...byZone } = copyPorts?.byZone ?? {}
  const alone = withStandby(record, undefined)
  return go(
    'settle',
    together(
      replace(c, held, copyPorts ? { ...alone, copyPorts: { ...copyPorts, byZone } } : alone),
      ...(port === undefined || c.control.simulated ? [] : [releasePort(port)]),
    ),
  )
}
