import { restoreAnyClusterFromSnapshot } from '#control/cluster/restore.ts'
import { describeAnyCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBClusterFromSnapshot: RdsHandler<'RestoreDBClusterFromSnapshot'> = async (input, context) => ({
  DBCluster: await describeAnyCluster(
    context.control,
    await restoreAnyClusterFromSnapshot(context.control, context, input),
  ),
})
