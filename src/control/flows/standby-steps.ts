/** Steps that flows of a Multi-AZ instance share. */
import { done, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { timerSubjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import { standbySpec } from '../multi-az/standby-spec.ts'
import { instanceOf, job, type FlowContext, type InstanceInput, type JobOutcome } from './context.ts'

type C = FlowContext<InstanceInput>

/** Writes that start the flow which keeps the standby, in the place of the one there may be. */
export async function keepStandby(c: C): Promise<Awaited<ReturnType<C['control']['flows']['supersede']>>['writes']> {
  const { flows } = c.control
  return (await flows.supersede('keep-db-standby', timerSubjectOf(c.input.key, 'standby'), { key: c.input.key })).writes
}

/** Waits until commits wait for the standby and it has all that was acknowledged before. */
export function awaitStandby<S extends string>(held: Held<DbInstanceRecord>, next: S): Next<S> {
  const { standby } = held.value
  return !standby || standby.state === 'in-sync' ? go(next) : wait()
}

/** Steps of flows that make a new instance, between its engine's start and their step `serve`. */
export const secondCopySteps = {
  /** A Multi-AZ instance is there once its standby could take over. */
  route: async (c: C): Promise<Next<'await-standby'>> => {
    const held = await instanceOf(c)
    if (!held) return done('deleted')
    await openRoute(c.control, held.value)
    return go('await-standby', await keepStandby(c))
  },

  'await-standby': async (c: C): Promise<Next<'serve'>> => {
    const held = await instanceOf(c)
    return held ? awaitStandby(held, 'serve') : done('deleted')
  },
}

/** Standbys that have an engine that is to run. */
const RUNNING: readonly unknown[] = ['following', 'joining', 'in-sync']

export const hasStandbyEngine = ({ standby }: DbInstanceRecord): boolean => RUNNING.includes(standby?.state)

/** A job on the standby's host with the standby's spec; undefined when there is no standby's engine. */
export async function standbyJob(
  c: C,
  record: DbInstanceRecord,
  { name, kind }: { name: string; kind: 'instance.start' | 'instance.restart' | 'instance.reload' },
): Promise<JobOutcome<typeof kind> | undefined> {
  if (!record.standby || !hasStandbyEngine(record)) return undefined
  return job(c, {
    zone: record.standby.zone,
    resourceId: record.resourceId,
    name,
    kind,
    input: async () => ({ spec: await standbySpec(c.control, record) }),
  })
}

/** One that cannot be told now is told when it is started, promoted or made anew. */
export async function reloadStandby(c: C, record: DbInstanceRecord): Promise<'pending' | 'over'> {
  if (!record.standby || !c.control.hosts.isConnected(record.standby.zone)) return 'over'
  const outcome = await standbyJob(c, record, { name: 'reload-standby', kind: 'instance.reload' })
  return outcome?.state === 'pending' ? 'pending' : 'over'
}

/** After the primary, which has sent it everything by then. One that cannot be stopped is made anew some day. */
export async function standbyStop(c: C, record: DbInstanceRecord): Promise<'pending' | 'over'> {
  if (!record.standby || !hasStandbyEngine(record)) return 'over'
  const outcome = await job(c, {
    zone: record.standby.zone,
    resourceId: record.resourceId,
    name: 'stop-standby',
    kind: 'instance.stop',
    input: async () => ({ id: record.resourceId, mode: 'fast' as const }),
  })
  return outcome.state === 'pending' ? 'pending' : 'over'
}
