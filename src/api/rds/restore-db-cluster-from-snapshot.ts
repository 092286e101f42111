import { describeCluster } from '#control/db-cluster/describe.ts'
import { restoreClusterFromSnapshot } from '#control/db-cluster/restore.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBClusterFromSnapshot: RdsHandler<'RestoreDBClusterFromSnapshot'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await restoreClusterFromSnapshot(context.control, context, input)),
})
