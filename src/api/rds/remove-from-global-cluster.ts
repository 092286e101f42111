import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { removeFromGlobalCluster } from '#control/global-cluster/remove.ts'
import type { RdsHandler } from '../handler.ts'

export const RemoveFromGlobalCluster: RdsHandler<'RemoveFromGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await removeFromGlobalCluster(control, context, input)) }
}
