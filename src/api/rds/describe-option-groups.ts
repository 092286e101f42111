import { describeOptionGroup, listOptionGroups, requireOptionGroup } from '#control/option-group/option-groups.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeOptionGroups: RdsHandler<'DescribeOptionGroups'> = async (input, context) => {
  checkFilters(input.Filters)
  const { OptionGroupName: name, EngineName, MajorEngineVersion } = input
  if (MajorEngineVersion !== undefined && EngineName === undefined)
    throw new AwsFault(
      'InvalidParameterCombination',
      'EngineName must be provided when MajorEngineVersion is provided.',
    )
  const groups =
    name === undefined
      ? await listOptionGroups(context.control, context)
      : [await requireOptionGroup(context.control, context, name)]
  const matching = groups
    .filter(({ engine }) => EngineName === undefined || engine === EngineName)
    .filter(({ major }) => MajorEngineVersion === undefined || major === MajorEngineVersion)
  const { items, ...more } = page(matching, { ...input, keyOf: (group) => group.name })
  return { OptionGroupsList: items.map((group) => describeOptionGroup(context, group)), ...more }
}
