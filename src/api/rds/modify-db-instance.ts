import { describeInstance } from '#control/db-instance/describe.ts'
import { modifyDbInstance } from '#control/db-instance/modify.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBInstance: RdsHandler<'ModifyDBInstance'> = async (input, context) => {
  const record = await modifyDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
