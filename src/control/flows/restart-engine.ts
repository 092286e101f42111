/** How an engine is brought to run as its record says, when only a restart does it: other settings, another minor version. */
import type { JobError } from '#wire/agent/messages.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { swapped, withStandby } from '../multi-az/copies.ts'
import { cutRoute } from '../multi-az/route.ts'
import { job, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { standbyJob } from './standby-steps.ts'

export type Restarted =
  | { readonly state: 'pending' }
  /** `record` is what is to be written: the target, or the target after its standby has become the primary. */
  | { readonly state: 'succeeded'; readonly record: DbInstanceRecord }
  /** `record` is what is so although it failed: the standby may be gone. */
  | { readonly state: 'failed'; readonly error: JobError; readonly record: DbInstanceRecord }

/**
 * A step of a flow that ends once the engine serves as `target` says; pending until then, and asked again. `name` tells
 * it from other restarts of the same flow. The gateway, where there is one, is the caller's to open afterwards.
 */
export type Restart = (c: FlowContext<InstanceInput>, target: DbInstanceRecord, name: string) => Promise<Restarted>

const PENDING = { state: 'pending' } as const

/** The engine stops and starts where it is: its clients wait for as long. */
const inPlace: Restart = async (c, target, name) => {
  const outcome = await jobOn(c, target, {
    name,
    kind: 'instance.restart',
    input: async () => ({ spec: await instanceSpec(c.control, target) }),
  })
  return outcome.state === 'pending' ? PENDING : { ...outcome, record: target }
}

/** The standby before the primary: it may not allow less than that does, nor be of an older version. */
const standbyFirst: Restart = async (c, target, name) => {
  const standby = await standbyJob(c, target, { name: `${name}-standby`, kind: 'instance.restart' })
  // One that does not come back is not what this is for: its own flow makes it anew.
  return standby?.state === 'pending' ? PENDING : inPlace(c, target, name)
}

/**
 * The standby runs as the target says before anybody notices, and then takes over: clients wait for a failover, not for
 * a start. The old primary ends in order and comes back as the standby.
 */
const handOver: Restart = async (c, target, name) => {
  const standby = await standbyJob(c, target, { name: `${name}-standby`, kind: 'instance.restart' })
  if (!standby || standby.state === 'pending') return PENDING
  if (standby.state === 'failed') return { ...standby, record: target }
  await cutRoute(c.control, target)
  const ended = await jobOn(c, target, {
    name: `${name}-stop`,
    kind: 'instance.stop',
    input: async () => ({ id: target.resourceId, mode: 'fast' as const }),
  })
  if (ended.state === 'pending') return PENDING
  const record = swapped(target, true, c.enteredAt)
  const promoted = await job(c, {
    zone: record.zone,
    resourceId: record.resourceId,
    name: `${name}-promote`,
    kind: 'instance.promote',
    input: async () => ({ spec: await instanceSpec(c.control, record) }),
  })
  if (promoted.state === 'pending') return PENDING
  return promoted.state === 'succeeded'
    ? { state: 'succeeded', record }
    : giveUp(c, target, { name, error: promoted.error })
}

/** It may be a primary by now: it is ended for good before the old one is started again. */
async function giveUp(
  c: FlowContext<InstanceInput>,
  target: DbInstanceRecord,
  { name, error }: { name: string; error: JobError },
): Promise<Restarted> {
  const { zone } = target.standby!
  const fenced = await job(c, {
    zone,
    resourceId: target.resourceId,
    name: `${name}-give-up-${c.failures}`,
    kind: 'instance.fence',
    input: async () => ({ id: target.resourceId }),
  })
  if (fenced.state === 'pending') return PENDING
  if (fenced.state === 'failed') throw new Error(`end the standby: ${fenced.error.message}`)
  return { state: 'failed', error, record: withStandby(target, { zone, state: 'missing' }) }
}

/**
 * The way that the instance's deployment has. `before` is the record that the engine runs with. By the record alone: what
 * is seen changes on the way.
 */
export function restartOf(before: DbInstanceRecord, target: DbInstanceRecord): Restart {
  if (!target.standby) return inPlace
  const isNewEngine = before.settings.EngineVersion !== target.settings.EngineVersion
  const isNewClass = before.settings.DBInstanceClass !== target.settings.DBInstanceClass
  const isGated = target.copyPorts?.isDirect === false && before.port === target.port
  const isInSync = before.standby?.state === 'in-sync'
  return isGated && isInSync && (isNewEngine || isNewClass) ? handOver : standbyFirst
}
