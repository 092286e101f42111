import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { failoverGlobalCluster } from '#control/global-cluster/switch.ts'
import type { RdsHandler } from '../handler.ts'

export const FailoverGlobalCluster: RdsHandler<'FailoverGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await failoverGlobalCluster(control, context, input)) }
}
