import { createParameterGroup, describeClusterParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBClusterParameterGroup: RdsHandler<'CreateDBClusterParameterGroup'> = async (input, context) => {
  const group = await createParameterGroup(context.control, context, {
    kind: 'cluster',
    name: input.DBClusterParameterGroupName,
    family: input.DBParameterGroupFamily,
    description: input.Description,
    tags: checkTags(input.Tags ?? []),
  })
  return { DBClusterParameterGroup: describeClusterParameterGroup(context, group) }
}
