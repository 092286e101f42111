import { together, type Held, type Mutation } from '#store/collection.ts'
import { choosePort, releasePort } from '../db-instance/ports.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { change, type FlowContext, type InstanceInput } from './context.ts'

/**
 * Gives a new instance another port. Its own was free when it was chosen, but a stranger may have taken it before the
 * engine listened there; nobody has been told of it yet.
 */
export async function moveToFreePort(c: FlowContext<InstanceInput>, held: Held<DbInstanceRecord>): Promise<Mutation> {
  const { port, writes } = await choosePort(c.control, held.value.port, held.value.resourceId)
  return together(change(c, held, { port }), writes, releasePort(held.value.port))
}
