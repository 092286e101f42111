import type { FlowContext, JobOutcome } from './context.ts'
import { jobOn } from './context.ts'

/** Ends the engine that another takes the place of: one that serves in order, so that it can follow; any other at once. */
export function endEngine(
  c: Pick<FlowContext<{ readonly isForced: boolean }>, 'control' | 'flowId' | 'input' | 'failures'>,
  engine: { readonly zone: string; readonly resourceId: string },
): Promise<JobOutcome<'instance.stop' | 'instance.fence'>> {
  const { resourceId: id } = engine
  return c.input.isForced
    ? jobOn(c, engine, { name: 'stop', kind: 'instance.stop', input: async () => ({ id, mode: 'fast' }) })
    : jobOn(c, engine, { name: `fence-${c.failures}`, kind: 'instance.fence', input: async () => ({ id }) })
}
