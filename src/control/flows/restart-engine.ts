/** How an engine is brought to run as its record says, when only a restart does it: other settings, another minor version. */
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { jobOn, type FlowContext, type InstanceInput, type JobOutcome } from './context.ts'
import { standbyJob } from './standby-steps.ts'

/**
 * A step of a flow that ends once the engine serves as `target` says; pending until then, and asked again. `name` tells
 * it from other restarts of the same flow.
 */
export type Restart = (
  c: FlowContext<InstanceInput>,
  target: DbInstanceRecord,
  name: string,
) => Promise<JobOutcome<'instance.restart'>>

/** The engine stops and starts where it is: its clients wait for as long. */
const inPlace: Restart = (c, target, name) =>
  jobOn(c, target, {
    name,
    kind: 'instance.restart',
    input: async () => ({ spec: await instanceSpec(c.control, target) }),
  })

/** The standby before the primary: it may not allow less than that does, nor be of an older version. */
const standbyFirst: Restart = async (c, target, name) => {
  const standby = await standbyJob(c, target, { name: `${name}-standby`, kind: 'instance.restart' })
  // One that does not come back is not what this is for: its own flow makes it anew.
  return standby?.state === 'pending' ? standby : inPlace(c, target, name)
}

/** The way that the instance's deployment has. */
export const restartOf = (target: DbInstanceRecord): Restart => (target.standby ? standbyFirst : inPlace)
