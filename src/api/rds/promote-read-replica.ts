import { describeInstance } from '#control/db-instance/describe.ts'
import { promoteReadReplica } from '#control/read-replica/promote.ts'
import type { RdsHandler } from '../handler.ts'

export const PromoteReadReplica: RdsHandler<'PromoteReadReplica'> = async (input, context) => {
  const record = await promoteReadReplica(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
