import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBCluster: RdsHandler<'DeleteDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'delete', input),
})
