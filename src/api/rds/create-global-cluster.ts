import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { createGlobalCluster } from '#control/global-cluster/create.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateGlobalCluster: RdsHandler<'CreateGlobalCluster'> = async (input, context) => {
  const { control } = context
  return { GlobalCluster: await describeGlobalCluster(control, await createGlobalCluster(control, context, input)) }
}
