import { restoreAnyClusterToPointInTime } from '#control/cluster/restore.ts'
import { describeAnyCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const RestoreDBClusterToPointInTime: RdsHandler<'RestoreDBClusterToPointInTime'> = async (input, context) => ({
  DBCluster: await describeAnyCluster(
    context.control,
    await restoreAnyClusterToPointInTime(context.control, context, input),
  ),
})
