import { deleteSubnetGroup } from '#control/subnet-group/subnet-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBSubnetGroup: RdsHandler<'DeleteDBSubnetGroup'> = async (input, context) => {
  await deleteSubnetGroup(context.control, context, input.DBSubnetGroupName)
  return {}
}
