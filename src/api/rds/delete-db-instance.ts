import { describeInstance } from '#control/db-instance/describe.ts'
import { deleteDbInstance } from '#control/db-instance/delete.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBInstance: RdsHandler<'DeleteDBInstance'> = async (input, context) => {
  const record = await deleteDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
