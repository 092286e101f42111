import { done, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { eventMessage, type EventId } from '#catalog/events.ts'
import { timersOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { zonesOf } from '../db-instance/zones.ts'
import { openRoute } from '../multi-az/route.ts'
import type { Restarted } from './restart-engine.ts'
import { change, instanceEvent, instanceOf, replace, type FlowContext, type InstanceInput } from './context.ts'

/** Drops this flow's ended jobs from the host's table. Nobody asks for them again once the flow has acted on them. */
export async function forgetJobs(c: FlowContext<InstanceInput>): Promise<void> {
  const held = await instanceOf(c)
  if (!held) return
  for (const zone of zonesOf(held.value))
    await c.control.hosts.forgetJobs(zone, `${held.value.resourceId}/${c.flowId}/`)
}

/** The last step of a flow that has started the engine: clients come in, also where a gateway has taken their port over. */
export async function served(c: FlowContext<InstanceInput>, outcome: string): Promise<Next<never>> {
  const held = await instanceOf(c)
  if (held?.value.phase === 'available') await openRoute(c.control, held.value)
  return finished(c, outcome)
}

/** The last step of a flow that has done what it was for. Timers may have waited for the instance to be free. */
export async function finished(c: FlowContext<InstanceInput>, outcome: string): Promise<Next<never>> {
  await forgetJobs(c)
  c.control.flows.wakeSubjects(timersOf(c.input.key))
  return done(outcome)
}

/**
 * The last step of a flow that left the instance unusable: it says so by phase, complaint and event. `fallback` is the
 * complaint where no step left a better one.
 */
export async function failed(
  c: FlowContext<InstanceInput>,
  phase: 'failed' | 'restore-error' | 'incompatible-restore',
  fallback: string,
): Promise<Next<never>> {
  const held = await instanceOf(c)
  if (!held) return done('deleted')
  const complaint = held.value.complaint ?? c.lastError ?? fallback
  await forgetJobs(c)
  return done(
    phase,
    change(c, held, { phase, complaint, stoppedAt: undefined }),
    instanceEvent(c.control, held.value, 'RDS-EVENT-0031', complaint),
  )
}

/** The same of one that was tried again and is failed as it was: an event of it is there. */
export async function failedAgain(c: FlowContext<InstanceInput>): Promise<Next<never>> {
  const held = await instanceOf(c)
  if (!held) return done('deleted')
  await forgetJobs(c)
  return done('failed', change(c, held, { phase: 'failed', stoppedAt: undefined }))
}

/**
 * What comes of a job that was to start the engine: it serves, or it refuses its parameters, which the user can put right
 * and then reboot, or it failed.
 */
export function afterStart(
  c: FlowContext<InstanceInput>,
  held: Held<DbInstanceRecord>,
  outcome: Restarted,
  event: EventId,
): Next<'finish' | 'fail'> {
  if (outcome.state === 'pending') return wait()
  const { record } = outcome
  if (outcome.state === 'succeeded')
    return go(
      'finish',
      replace(c, held, { ...record, phase: 'available', parameterStatus: 'in-sync', stoppedAt: undefined }),
      instanceEvent(c.control, record, event),
    )
  const { code, message } = outcome.error
  if (code !== 'bad-settings') return go('fail', replace(c, held, { ...record, complaint: message }))
  return go(
    'finish',
    replace(c, held, { ...record, phase: 'incompatible-parameters', complaint: message, stoppedAt: undefined }),
    instanceEvent(c.control, held.value, 'RDS-EVENT-0035', `${eventMessage('RDS-EVENT-0035')}. ${message}`),
  )
}
