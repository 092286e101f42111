import { describeClusterSnapshot, listClusterSnapshots } from '#control/cluster/snapshots.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBClusterSnapshots: RdsHandler<'DescribeDBClusterSnapshots'> = async (input, context) => {
  const records = await listClusterSnapshots(context.control, context, input)
  const { items, ...more } = page(records, { ...input, keyOf: (record) => record.id })
  return { DBClusterSnapshots: items.map(describeClusterSnapshot), ...more }
}
