import { describeSubnetGroup, listSubnetGroups, requireSubnetGroup } from '#control/subnet-group/subnet-groups.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeDBSubnetGroups: RdsHandler<'DescribeDBSubnetGroups'> = async (input, context) => {
  checkFilters(input.Filters)
  const { DBSubnetGroupName: name } = input
  const groups =
    name === undefined
      ? await listSubnetGroups(context.control, context)
      : [await requireSubnetGroup(context.control, context, name)]
  const { items, ...more } = page(groups, { ...input, keyOf: (group) => group.name })
  const DBSubnetGroups = await Promise.all(
    items.map((group) => describeSubnetGroup(context.control, context, group.name)),
  )
  return { DBSubnetGroups, ...more }
}
