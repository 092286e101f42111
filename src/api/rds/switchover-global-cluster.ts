import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { switchoverGlobalCluster } from '#control/global-cluster/switch.ts'
import type { RdsHandler } from '../handler.ts'

export const SwitchoverGlobalCluster: RdsHandler<'SwitchoverGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await switchoverGlobalCluster(control, context, input)) }
}
