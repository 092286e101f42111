import { deleteSecurityGroup } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { groupIdOf } from './group-of.ts'

export const DeleteSecurityGroup: Ec2Handler<'DeleteSecurityGroup'> = async (input, context) => {
  const GroupId = await groupIdOf(context, input)
  await deleteSecurityGroup(context.control, context, GroupId)
  return { Return: true, GroupId }
}
