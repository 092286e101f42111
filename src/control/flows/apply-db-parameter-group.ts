import { done, flow } from '#flow/flow.ts'
import type { Scope } from '../control.ts'
import { applyParameterGroup } from '../db-instance/apply-parameters.ts'
import type { FlowContext } from './context.ts'

interface Input {
  readonly scope: Scope
  readonly group: string
  readonly kind?: 'cluster'
}

/** Tells every instance that uses a parameter group that its values have changed. */
export const applyDbParameterGroup = flow(
  'apply-db-parameter-group',
  { exhausted: 'spread' },
  {
    spread: async (c: FlowContext<Input>) => {
      const { scope, group: name, kind } = c.input
      await applyParameterGroup(c.control, scope, { ...(kind && { kind }), name })
      return done('spread')
    },
  },
)
