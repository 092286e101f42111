import { describeInstance } from '#control/db-instance/describe.ts'
import { restoreDbInstance } from '#control/db-snapshot/restore.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBInstanceFromDBSnapshot: RdsHandler<'RestoreDBInstanceFromDBSnapshot'> = async (
  input,
  context,
) => {
  const record = await restoreDbInstance(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
