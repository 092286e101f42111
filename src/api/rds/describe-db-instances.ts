import { describeInstance, listInstances } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBInstances: RdsHandler<'DescribeDBInstances'> = async (input, context) => {
  const records = await listInstances(context.control, context, input)
  const { items, Marker } = page(records, { ...input, keyOf: (record) => record.id })
  const DBInstances = await Promise.all(items.map((record) => describeInstance(context.control, record)))
  return { DBInstances, ...(Marker !== undefined && { Marker }) }
}
