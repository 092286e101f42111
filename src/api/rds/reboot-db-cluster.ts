import { describeCluster } from '#control/db-cluster/describe.ts'
import { rebootDbCluster } from '#control/db-cluster/reboot.ts'
import type { RdsHandler } from '../handler.ts'

export const RebootDBCluster: RdsHandler<'RebootDBCluster'> = async (input, context) => ({
  DBCluster: await describeCluster(context.control, await rebootDbCluster(context.control, context, input)),
})
