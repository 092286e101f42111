import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { listGlobalClusters } from '#control/global-cluster/list.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeGlobalClusters: RdsHandler<'DescribeGlobalClusters'> = async (input, context) => {
  const records = await listGlobalClusters(context.control, context, input)
  const { items, ...more } = page(records, { ...input, keyOf: (record) => record.id })
  const shown = items.map((record) => describeGlobalCluster(context.control, record))
  return { GlobalClusters: await Promise.all(shown), ...more }
}
