import { describeInstance } from '#control/db-instance/describe.ts'
import { createDbInstance } from '#control/db-instance/create.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBInstance: RdsHandler<'CreateDBInstance'> = async (input, context) => {
  const record = await createDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
