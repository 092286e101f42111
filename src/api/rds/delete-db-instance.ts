import { changeInstance } from '#control/cluster/member-verbs.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBInstance: RdsHandler<'DeleteDBInstance'> = async (input, context) => {
  const record = await changeInstance(context.control, context, 'delete', input)
  return { DBInstance: await describeInstance(context.control, record) }
}
