import { done, flow, go, wait } from '#flow/flow.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { change, instanceEvent, instanceOf, job, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

/**
 * Restarts the engine with the values of the parameter group that is associated now: the way in which static parameters
 * and a newly associated group come into force. Also the way out of `incompatible-parameters`.
 */
export const rebootDbInstance = flow(
  'reboot-db-instance',
  { exhausted: 'fail', steps: { restart: { deadlineMs: restartDeadlineMs } } },
  {
    adopt: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return go(
        'restart',
        change(c, held, {
          appliedParameterGroup: held.value.parameterGroup,
          parametersAsOf: c.control.clock.now(),
          complaint: undefined,
        }),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0004'),
      )
    },

    restart: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await job(c, {
        zone: record.zone,
        resourceId: record.resourceId,
        name: 'restart',
        kind: 'instance.restart',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded')
        return go(
          'finish',
          change(c, held, { phase: 'available', parameterStatus: 'in-sync' }),
          instanceEvent(c.control, record, 'RDS-EVENT-0006'),
        )
      const { code, message } = outcome.error
      if (code === 'bad-settings')
        return go(
          'finish',
          change(c, held, { phase: 'incompatible-parameters', complaint: message }),
          instanceEvent(c.control, record, 'RDS-EVENT-0035', message),
        )
      return go('fail', change(c, held, { complaint: message }))
    },

    finish: (c: C) => finished(c, 'rebooted'),

    fail: (c: C) => failed(c, 'failed', 'The engine did not come back in time.'),
  },
)
