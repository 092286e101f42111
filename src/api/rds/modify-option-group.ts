import { describeOptionGroup, modifyOptionGroup } from '#control/option-group/option-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyOptionGroup: RdsHandler<'ModifyOptionGroup'> = async (input, context) => {
  const group = await modifyOptionGroup(context.control, context, {
    name: input.OptionGroupName,
    include: (input.OptionsToInclude ?? []).map((option) => option.OptionName ?? ''),
    remove: input.OptionsToRemove ?? [],
  })
  return { OptionGroup: describeOptionGroup(context, group) }
}
