/** How an engine goes on with another spec where no restart is needed for it. */
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { primarySeen } from '../multi-az/copies.ts'
import { jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { restartOf, type Restarted } from './restart-engine.ts'
import { reloadStandby } from './standby-steps.ts'

type C = FlowContext<InstanceInput>

/** A step of a flow that ends once the engine has what the record says; pending until then, and asked again. */
export async function reloadEngine(c: C, record: DbInstanceRecord): Promise<Restarted> {
  // Where it has a volume of its own, there has to be room for whatever the primary may write from here on.
  if ((await reloadStandby(c, record)) === 'pending') return { state: 'pending' }
  const outcome = await jobOn(c, record, {
    name: 'reload',
    kind: 'instance.reload',
    input: async () => ({ spec: await instanceSpec(c.control, record) }),
  })
  if (outcome.state === 'pending') return outcome
  if (outcome.state === 'failed') throw new Error(`reload the engine: ${outcome.error.message}`)
  // One with a standby is brought back by the flow of its own that looks after both.
  if (record.standby || !isDownForStorage(c, record)) return { state: 'succeeded', record }
  return restartOf(record, record)(c, record, 'revive')
}

/** It could not be started for want of storage, which may be over now. */
function isDownForStorage(c: C, record: DbInstanceRecord): boolean {
  const seen = primarySeen(c.control, record)
  return seen !== undefined && seen.state !== 'running' && seen.lastError?.code === 'disk-full'
}
