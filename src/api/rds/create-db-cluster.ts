import { createCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBCluster: RdsHandler<'CreateDBCluster'> = async (input, context) => ({
  DBCluster: await createCluster(context.control, context, input),
})
