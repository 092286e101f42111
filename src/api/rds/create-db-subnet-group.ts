import { createSubnetGroup, describeSubnetGroup } from '#control/subnet-group/subnet-groups.ts'
import { checkTags } from '#control/tag/tags.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBSubnetGroup: RdsHandler<'CreateDBSubnetGroup'> = async (input, context) => {
  const { name } = await createSubnetGroup(context.control, context, {
    name: input.DBSubnetGroupName,
    description: input.DBSubnetGroupDescription,
    subnetIds: input.SubnetIds,
    tags: checkTags(input.Tags ?? []),
  })
  return { DBSubnetGroup: await describeSubnetGroup(context.control, context, name) }
}
