import { copyParameterGroup, describeClusterParameterGroup } from '#control/parameter-group/parameter-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CopyDBClusterParameterGroup: RdsHandler<'CopyDBClusterParameterGroup'> = async (input, context) => {
  const group = await copyParameterGroup(context.control, context, {
    kind: 'cluster',
    source: input.SourceDBClusterParameterGroupIdentifier,
    name: input.TargetDBClusterParameterGroupIdentifier,
    description: input.TargetDBClusterParameterGroupDescription,
    tags: checkTags(input.Tags ?? []),
  })
  return { DBClusterParameterGroup: describeClusterParameterGroup(context, group) }
}
