import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const RebootDBCluster: RdsHandler<'RebootDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'reboot', input),
})
