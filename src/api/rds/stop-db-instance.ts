import { describeInstance } from '#control/db-instance/describe.ts'
import { stopDbInstance } from '#control/db-instance/power.ts'
import type { RdsHandler } from '../handler.ts'

export const StopDBInstance: RdsHandler<'StopDBInstance'> = async (input, context) => {
  const record = await stopDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
