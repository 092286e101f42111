import { describeInstance } from '#control/db-instance/describe.ts'
import { createReadReplica } from '#control/read-replica/create.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBInstanceReadReplica: RdsHandler<'CreateDBInstanceReadReplica'> = async (input, context) => {
  const record = await createReadReplica(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
