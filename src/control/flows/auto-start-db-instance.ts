import { done, flow, wait } from '#flow/flow.ts'
import { together } from '#store/collection.ts'
import { AUTO_START_MS } from '../db-instance/describe.ts'
import { subjectOf } from '../db-instance/record.ts'
import { change, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { timerDeadlineMs } from './limits.ts'

interface Input extends InstanceInput {
  /** When the instance was stopped: a later stop is another timer's. */
  readonly stoppedAt: number
}
type C = FlowContext<Input>

/** A durable timer: starts the instance seven days after it was stopped, unless somebody did before. */
export const autoStartDbInstance = flow(
  'auto-start-db-instance',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C) => {
      const held = await instanceOf(c)
      if (held?.value.phase !== 'stopped') return done('not stopped any more')
      const leftMs = c.input.stoppedAt + AUTO_START_MS - c.control.clock.now()
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      const start = c.control.flows.start('start-db-instance', subjectOf(c.input.key), {
        key: c.input.key,
        automatic: true,
      })
      return done('started', together(change(c, held, { phase: 'starting' }), start.writes))
    },
  },
)
