import { createDbCluster } from '#control/db-cluster/create.ts'
import { describeCluster } from '#control/db-cluster/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBCluster: RdsHandler<'CreateDBCluster'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await createDbCluster(context.control, context, input)),
})
