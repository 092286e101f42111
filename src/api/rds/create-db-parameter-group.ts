import { createParameterGroup, describeParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBParameterGroup: RdsHandler<'CreateDBParameterGroup'> = async (input, context) => {
  const group = await createParameterGroup(context.control, context, {
    name: input.DBParameterGroupName,
    family: input.DBParameterGroupFamily,
    description: input.Description,
    tags: checkTags(input.Tags ?? []),
  })
  return { DBParameterGroup: describeParameterGroup(context, group) }
}
