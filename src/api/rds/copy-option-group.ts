import { createOptionGroup, describeOptionGroup, requireOptionGroup } from '#control/option-group/option-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

/** The copy has the source's tags unless it is given others. */
export const CopyOptionGroup: RdsHandler<'CopyOptionGroup'> = async (input, context) => {
  const source = await requireOptionGroup(context.control, context, input.SourceOptionGroupIdentifier)
  const tags = checkTags(input.Tags ?? [])
  const group = await createOptionGroup(context.control, context, {
    name: input.TargetOptionGroupIdentifier,
    engine: source.engine,
    major: source.major,
    description: input.TargetOptionGroupDescription,
    tags: tags.length > 0 ? tags : source.tags,
  })
  return { OptionGroup: describeOptionGroup(context, group) }
}
