import { describeInstances, listInstances } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBInstances: RdsHandler<'DescribeDBInstances'> = async (input, context) => {
  const records = await listInstances(context.control, context, input)
  const { items, Marker } = page(records, { ...input, keyOf: (record) => record.id })
  const DBInstances = await describeInstances(context.control, items)
  return { DBInstances, ...(Marker !== undefined && { Marker }) }
}
