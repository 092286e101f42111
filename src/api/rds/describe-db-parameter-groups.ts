import {
  describeParameterGroup,
  listParameterGroups,
  requireParameterGroup,
} from '#control/parameter-group/parameter-groups.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeDBParameterGroups: RdsHandler<'DescribeDBParameterGroups'> = async (input, context) => {
  checkFilters(input.Filters)
  const { DBParameterGroupName: name } = input
  const groups =
    name === undefined
      ? await listParameterGroups(context.control, context)
      : [await requireParameterGroup(context.control, context, { name })]
  const { items, ...more } = page(groups, { ...input, keyOf: (group) => group.name })
  return { DBParameterGroups: items.map((group) => describeParameterGroup(context, group)), ...more }
}
