import { describeSubnetGroup, modifySubnetGroup } from '#control/subnet-group/subnet-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBSubnetGroup: RdsHandler<'ModifyDBSubnetGroup'> = async (input, context) => {
  const { name } = await modifySubnetGroup(context.control, context, {
    name: input.DBSubnetGroupName,
    description: input.DBSubnetGroupDescription,
    subnetIds: input.SubnetIds,
  })
  return { DBSubnetGroup: await describeSubnetGroup(context.control, context, name) }
}
