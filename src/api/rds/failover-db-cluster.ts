import { describeCluster } from '#control/db-cluster/describe.ts'
import { failoverDbCluster } from '#control/db-cluster/failover.ts'
import type { RdsHandler } from '../handler.ts'

export const FailoverDBCluster: RdsHandler<'FailoverDBCluster'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await failoverDbCluster(context.control, context, input)),
})
