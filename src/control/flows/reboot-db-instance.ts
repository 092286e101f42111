import { done, flow, go } from '#flow/flow.ts'
import { change, instanceEvent, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { afterStart, failed, served } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'
import { restartOf } from './restart-engine.ts'

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
      return afterStart(c, held, await restartOf(record, record)(c, record, 'restart'), 'RDS-EVENT-0006')
    },

    finish: (c: C) => served(c, 'rebooted'),

    fail: (c: C) => failed(c, 'failed', 'The engine did not come back in time.'),
  },
)
