import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const StopDBCluster: RdsHandler<'StopDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'stop', input),
})
