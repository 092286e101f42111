import { describeCluster, listClusters } from '#control/db-cluster/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBClusters: RdsHandler<'DescribeDBClusters'> = async (input, context) => {
  const records = await listClusters(context.control, context, input)
  const { items, ...more } = page(records, { ...input, keyOf: (record) => record.id })
  return { DBClusters: await Promise.all(items.map((record) => describeCluster(context.control, record))), ...more }
}
