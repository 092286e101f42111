import { describeCluster } from '#control/db-cluster/describe.ts'
import { restoreClusterToPointInTime } from '#control/db-cluster/restore.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBClusterToPointInTime: RdsHandler<'RestoreDBClusterToPointInTime'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await restoreClusterToPointInTime(context.control, context, input)),
})
