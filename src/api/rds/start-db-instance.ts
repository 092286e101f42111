import { describeInstance } from '#control/db-instance/describe.ts'
import { startDbInstance } from '#control/db-instance/power.ts'
import type { RdsHandler } from '../handler.ts'

export const StartDBInstance: RdsHandler<'StartDBInstance'> = async (input, context) => {
  const record = await startDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
