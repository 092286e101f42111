import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { deleteGlobalCluster } from '#control/global-cluster/delete.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteGlobalCluster: RdsHandler<'DeleteGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await deleteGlobalCluster(control, context, input)) }
}
