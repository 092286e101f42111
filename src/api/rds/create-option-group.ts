import { createOptionGroup, describeOptionGroup } from '#control/option-group/option-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateOptionGroup: RdsHandler<'CreateOptionGroup'> = async (input, context) => {
  const group = await createOptionGroup(context.control, context, {
    name: input.OptionGroupName,
    engine: input.EngineName,
    major: input.MajorEngineVersion,
    description: input.OptionGroupDescription,
    tags: checkTags(input.Tags ?? []),
  })
  return { OptionGroup: describeOptionGroup(context, group) }
}
