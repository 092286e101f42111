import { done, type Next } from '#flow/flow.ts'
import { timersOf } from '../db-instance/record.ts'
import { change, instanceEvent, instanceOf, type FlowContext, type InstanceInput } from './context.ts'

/** Drops this flow's ended jobs from the host's table. Nobody asks for them again once the flow has acted on them. */
export async function forgetJobs(c: FlowContext<InstanceInput>): Promise<void> {
  const held = await instanceOf(c)
  if (held) await c.control.hosts.forgetJobs(held.value.zone, `${held.value.resourceId}/${c.flowId}/`)
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
  phase: 'failed' | 'restore-error',
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
