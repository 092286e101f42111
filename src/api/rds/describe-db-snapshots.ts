import { describeSnapshot, listSnapshots } from '#control/db-snapshot/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBSnapshots: RdsHandler<'DescribeDBSnapshots'> = async (input, context) => {
  const records = await listSnapshots(context.control, context, input)
  const { items, Marker } = page(records, { ...input, keyOf: (record) => `${record.id}/${record.account}` })
  return { DBSnapshots: items.map(describeSnapshot), ...(Marker !== undefined && { Marker }) }
}
