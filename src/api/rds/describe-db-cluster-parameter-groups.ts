import {
  describeClusterParameterGroup,
  listParameterGroups,
  requireParameterGroup,
} from '#control/parameter-group/parameter-groups.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeDBClusterParameterGroups: RdsHandler<'DescribeDBClusterParameterGroups'> = async (
  input,
  context,
) => {
  checkFilters(input.Filters)
  const { DBClusterParameterGroupName: name } = input
  const groups =
    name === undefined
      ? await listParameterGroups(context.control, context, 'cluster')
      : [await requireParameterGroup(context.control, context, { kind: 'cluster', name })]
  const { items, ...more } = page(groups, { ...input, keyOf: (group) => group.name })
  return { DBClusterParameterGroups: items.map((group) => describeClusterParameterGroup(context, group)), ...more }
}
