import { deleteAutomatedBackup, describeAutomatedBackup } from '#control/db-snapshot/automated-backups.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBInstanceAutomatedBackup: RdsHandler<'DeleteDBInstanceAutomatedBackup'> = async (
  input,
  context,
) => {
  const backup = await deleteAutomatedBackup(context.control, context, input)
  return { DBInstanceAutomatedBackup: await describeAutomatedBackup(context.control, backup) }
}
