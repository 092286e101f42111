import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const FailoverDBCluster: RdsHandler<'FailoverDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'failover', input),
})
