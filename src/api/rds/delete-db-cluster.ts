import { deleteDbCluster } from '#control/db-cluster/delete.ts'
import { describeCluster } from '#control/db-cluster/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBCluster: RdsHandler<'DeleteDBCluster'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await deleteDbCluster(context.control, context, input)),
})
