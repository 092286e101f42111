import { done, flow, go } from '#flow/flow.ts'
import { change, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { afterStart, failed, served } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'
import { startOf } from './restart-engine.ts'

interface Input extends InstanceInput {
  /** Whether seven days have passed, rather than somebody asked. */
  readonly automatic: boolean
}
type C = FlowContext<Input>

/** Starts a stopped instance with the parameter group that is associated now. */
export const startDbInstance = flow(
  'start-db-instance',
  { exhausted: 'fail', steps: { start: { deadlineMs: restartDeadlineMs } } },
  {
    adopt: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return go(
        'start',
        change(c, held, {
          appliedParameterGroup: held.value.parameterGroup,
          parametersAsOf: c.control.clock.now(),
          complaint: undefined,
        }),
      )
    },

    start: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const outcome = await startOf(held.value)(c, held.value, 'start')
      return afterStart(c, held, outcome, c.input.automatic ? 'RDS-EVENT-0154' : 'RDS-EVENT-0088')
    },

    finish: (c: C) => served(c, 'started'),

    fail: (c: C) => failed(c, 'failed', 'The engine did not start in time.'),
  },
)
