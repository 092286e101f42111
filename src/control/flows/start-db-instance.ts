import { done, flow, go, wait } from '#flow/flow.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { change, instanceEvent, instanceOf, job, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

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
      const outcome = await job(c, {
        zone: record.zone,
        resourceId: record.resourceId,
        name: 'start',
        kind: 'instance.start',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded')
        return go(
          'finish',
          change(c, held, { phase: 'available', parameterStatus: 'in-sync', stoppedAt: undefined }),
          instanceEvent(c.control, record, c.input.automatic ? 'RDS-EVENT-0154' : 'RDS-EVENT-0088'),
        )
      const { code, message } = outcome.error
      if (code === 'bad-settings')
        return go(
          'finish',
          change(c, held, { phase: 'incompatible-parameters', complaint: message, stoppedAt: undefined }),
          instanceEvent(c.control, record, 'RDS-EVENT-0035', message),
        )
      return go('fail', change(c, held, { complaint: message }))
    },

    finish: (c: C) => finished(c, 'started'),

    fail: (c: C) => failed(c, 'failed', 'The engine did not start in time.'),
  },
)
