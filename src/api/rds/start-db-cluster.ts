import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const StartDBCluster: RdsHandler<'StartDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'start', input),
})
