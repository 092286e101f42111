import { listAnyClusters } from '#control/cluster/list.ts'
import { describeAnyCluster } from '#control/cluster/verbs.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBClusters: RdsHandler<'DescribeDBClusters'> = async (input, context) => {
  const records = await listAnyClusters(context.control, context, input)
  const { items, ...more } = page(records, { ...input, keyOf: (record) => record.id })
  return { DBClusters: await Promise.all(items.map((record) => describeAnyCluster(context.control, record))), ...more }
}
