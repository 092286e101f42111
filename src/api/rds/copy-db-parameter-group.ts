import { copyParameterGroup, describeParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CopyDBParameterGroup: RdsHandler<'CopyDBParameterGroup'> = async (input, context) => {
  const group = await copyParameterGroup(context.control, context, {
    source: input.SourceDBParameterGroupIdentifier,
    name: input.TargetDBParameterGroupIdentifier,
    description: input.TargetDBParameterGroupDescription,
    tags: checkTags(input.Tags ?? []),
  })
  return { DBParameterGroup: describeParameterGroup(context, group) }
}
