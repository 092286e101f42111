import { done, flow } from '#flow/flow.ts'
import type { Scope } from '../control.ts'
import { applyParameterGroup } from '../db-instance/apply-parameters.ts'
import type { FlowContext } from './context.ts'

interface Input {
  readonly scope: Scope
  readonly group: string
}

/** Tells every instance that uses a parameter group that its values have changed. */
export const applyDbParameterGroup = flow(
  'apply-db-parameter-group',
  { exhausted: 'spread' },
  {
    spread: async (c: FlowContext<Input>) => {
      await applyParameterGroup(c.control, c.input.scope, c.input.group)
      return done('spread')
    },
  },
)
