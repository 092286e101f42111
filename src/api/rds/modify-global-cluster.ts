import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { modifyGlobalCluster } from '#control/global-cluster/modify.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyGlobalCluster: RdsHandler<'ModifyGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await modifyGlobalCluster(control, context, input)) }
}
