import { createInstance } from '#control/cluster/member-verbs.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBInstance: RdsHandler<'CreateDBInstance'> = async (input, context) => {
  const record = await createInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
