import { describeInstance } from '#control/db-instance/describe.ts'
import { rebootDbInstance } from '#control/db-instance/power.ts'
import type { RdsHandler } from '../handler.ts'

export const RebootDBInstance: RdsHandler<'RebootDBInstance'> = async (input, context) => {
  const record = await rebootDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
