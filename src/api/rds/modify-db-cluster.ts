import { changeCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBCluster: RdsHandler<'ModifyDBCluster'> = async (input, context) => ({
  DBCluster: await changeCluster(context.control, context, 'modify', input),
})
