import { done, flow, go, wait } from '#flow/flow.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { change, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { afterStart, failed, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'
import { standbyJob } from './standby-steps.ts'

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
      const record = held.value
      const standby = await standbyJob(c, record, { name: 'start-standby', kind: 'instance.start' })
      if (standby?.state === 'pending') return wait()
      const outcome = await jobOn(c, record, {
        name: 'start',
        kind: 'instance.start',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      return afterStart(c, held, outcome, c.input.automatic ? 'RDS-EVENT-0154' : 'RDS-EVENT-0088')
    },

    finish: (c: C) => finished(c, 'started'),

    fail: (c: C) => failed(c, 'failed', 'The engine did not start in time.'),
  },
)
