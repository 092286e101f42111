/** How an engine is brought to run as its record says, when only a restart does it: other settings, another minor version. */
import type { InstanceSpec, JobError } from '#wire/agent/messages.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { isUnguarded, swapped, withGateway, withStandby } from '../multi-az/copies.ts'
import { cutRoute } from '../multi-az/route.ts'
import { job, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { hasStandbyEngine, standbyJob } from './standby-steps.ts'

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

type StartKind = 'instance.restart' | 'instance.start'

async function startPrimary(
  c: FlowContext<InstanceInput>,
  target: DbInstanceRecord,
  { name, kind }: { readonly name: string; readonly kind: StartKind },
): Promise<Restarted> {
  const input = async (): Promise<{ spec: InstanceSpec }> => ({ spec: await instanceSpec(c.control, target) })
  const outcome = await jobOn(c, target, { name, kind, input })
  return outcome.state === 'pending' ? PENDING : { ...outcome, record: target }
}

/** The standby before the primary, which stops and starts where it is: it may not allow less, nor be of an older version. */
const standbyFirst =
  (kind: StartKind): Restart =>
  async (c, target, name) => {
    const standby = await standbyJob(c, target, { name: `${name}-standby`, kind })
    // One that does not come back is not what this is for: its own flow makes it anew.
    return standby?.state === 'pending' ? PENDING : startPrimary(c, target, { name, kind })
  }

/**
 * As it was converted, the engine has the endpoint's port. It starts on its own, and a gateway has the other as soon as
 * the engine has left it, so that no stranger comes between. An engine that cannot start there stays what it was.
 */
const toGateway =
  (kind: StartKind): Restart =>
  async (c, target, name) => {
    // It follows where its primary still is.
    const standby = await standbyJob(c, target, { name: `${name}-standby`, kind })
    if (standby?.state === 'pending') return PENDING
    const moved = withGateway(target, false)
    const outcome = await startPrimary(c, moved, { name: `${name}-moved`, kind })
    if (outcome.state === 'pending') {
      await cutRoute(c.control, moved)
      return PENDING
    }
    if (outcome.state === 'succeeded') {
      const told = await standbyJob(c, moved, { name: `${name}-told`, kind: 'instance.reload' })
      return told?.state === 'pending' ? PENDING : outcome
    }
    await c.control.endpoints.remove(target.resourceId)
    const stays = withGateway(moved, true)
    // Settings are refused wherever it listens.
    if (outcome.error.code === 'bad-settings') return { ...outcome, record: stays }
    return startPrimary(c, stays, { name, kind })
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
  if (isUnguarded(target)) return toGateway('instance.restart')
  const isNewEngine = before.settings.EngineVersion !== target.settings.EngineVersion
  const isNewClass = before.settings.DBInstanceClass !== target.settings.DBInstanceClass
  const isGated = target.copyPorts?.isDirect === false && before.port === target.port
  const isInSync = before.standby?.state === 'in-sync'
  return isGated && isInSync && (isNewEngine || isNewClass) ? handOver : standbyFirst('instance.restart')
}

/** The way in which a stopped instance starts. */
export const startOf = (record: DbInstanceRecord): Restart =>
  isUnguarded(record) ? toGateway('instance.start') : standbyFirst('instance.start')

/** The way in which a primary that is gone starts again. Nobody may wait for a standby: its host may be gone, too. */
export const restartAlone: Restart = async (c, record, name) =>
  isUnguarded(record) && !hasStandbyEngine(record)
    ? toGateway('instance.restart')(c, record, name)
    : startPrimary(c, record, { name, kind: 'instance.restart' })
