import { createSecurityGroup } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagsFor } from './render.ts'

export const CreateSecurityGroup: Ec2Handler<'CreateSecurityGroup'> = async (input, context) => {
  const group = await createSecurityGroup(context.control, context, {
    groupName: input.GroupName,
    description: input.Description,
    vpcId: input.VpcId,
    tags: tagsFor('security-group', input.TagSpecifications),
  })
  return {
    GroupId: group.groupId,
    SecurityGroupArn: `arn:aws:ec2:${context.region}:${context.account}:security-group/${group.groupId}`,
    Tags: [...group.tags],
  }
}
