import { done, flow, wait } from '#flow/flow.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import type { Phase } from '../db-instance/record.ts'
import { admitClients } from '../db-cluster/admit.ts'
import { change, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { timerDeadlineMs } from './limits.ts'

interface Input extends InstanceInput {
  /** Tells this change of the group from an earlier one. */
  readonly at: number
}
type C = FlowContext<Input>

const DOWN: ReadonlySet<Phase> = new Set(['stopped', 'failed', 'incompatible-parameters'])

/** An instance in the middle of something is looked at again this often, besides every time that it moves on. */
const BUSY_LOOK_MS = 10_000

/**
 * Brings the changed values of an instance's parameter group to its running engine, and the rules of its security groups
 * to whoever lets clients in. Dynamic values and rules are in force when this ends; static values wait for a reboot, and
 * the engine itself says which.
 */
export const applyDbParameters = flow(
  'apply-db-parameters',
  { exhausted: 'give-up', policy: { deadlineMs: timerDeadlineMs } },
  {
    reload: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      if (record.phase === 'available' || DOWN.has(record.phase)) await admitClients(c.control, record)
      // An engine that is down reads all values and rules when it starts.
      if (DOWN.has(record.phase))
        return done('nothing runs', change(c, held, { parameterStatus: 'in-sync', enforcedSecurityGroups: undefined }))
      if (record.phase !== 'available') return wait({ timeoutMs: BUSY_LOOK_MS })
      const outcome = await jobOn(c, record, {
        name: `reload-${c.failures}`,
        kind: 'instance.reload',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`reload parameters: ${outcome.error.message}`)
      await c.control.hosts.forgetJobs(record.zone, `${record.resourceId}/${c.flowId}/`)
      const parameterStatus = outcome.result.pendingRestart.length > 0 ? 'pending-reboot' : 'in-sync'
      return done(parameterStatus, change(c, held, { parameterStatus, enforcedSecurityGroups: undefined }))
    },

    'give-up': async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return done('pending-reboot', change(c, held, { parameterStatus: 'pending-reboot', complaint: c.lastError }))
    },
  },
)
