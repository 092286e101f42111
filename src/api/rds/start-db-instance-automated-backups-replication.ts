import { describeReplica } from '#control/automated-backup/describe-replica.ts'
import { startBackupReplication } from '#control/automated-backup/replica.ts'
import type { RdsHandler } from '../handler.ts'

export const StartDBInstanceAutomatedBackupsReplication: RdsHandler<
  'StartDBInstanceAutomatedBackupsReplication'
> = async (input, context) => {
  const key = await startBackupReplication(context.control, context, input)
  return { DBInstanceAutomatedBackup: await describeReplica(context.control, key) }
}
