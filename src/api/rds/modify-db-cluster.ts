import { describeCluster } from '#control/db-cluster/describe.ts'
import { modifyDbCluster } from '#control/db-cluster/modify.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBCluster: RdsHandler<'ModifyDBCluster'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await modifyDbCluster(context.control, context, input)),
})
