import { restoreToPointInTime } from '#control/automated-backup/restore.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBInstanceToPointInTime: RdsHandler<'RestoreDBInstanceToPointInTime'> = async (input, context) => {
  const record = await restoreToPointInTime(context.control, context, input)
  return { DBInstance: await describeInstance(context.control, record) }
}
