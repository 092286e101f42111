import { describeReplica } from '#control/automated-backup/describe-replica.ts'
import { stopBackupReplication } from '#control/automated-backup/replica.ts'
import type { RdsHandler } from '../handler.ts'

export const StopDBInstanceAutomatedBackupsReplication: RdsHandler<
  'StopDBInstanceAutomatedBackupsReplication'
> = async (input, context) => {
  const key = await stopBackupReplication(context.control, context, input.SourceDBInstanceArn)
  return { DBInstanceAutomatedBackup: await describeReplica(context.control, key) }
}
