import { switchoverReadReplica } from '#control/read-replica/switchover.ts'
import type { RdsHandler } from '../handler.ts'

export const SwitchoverReadReplica: RdsHandler<'SwitchoverReadReplica'> = (input, context) =>
  switchoverReadReplica(context.control, context, input.DBInstanceIdentifier)
