import { missingParameter } from '#control/network/faults.ts'
import { authorize } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { groupIdOf, permissionsOf } from './group-of.ts'
import { showRule, tagsFor } from './render.ts'

export const AuthorizeSecurityGroupIngress: Ec2Handler<'AuthorizeSecurityGroupIngress'> = async (input, context) => {
  const groupId = await groupIdOf(context, input)
  const permissions = await permissionsOf(context, input)
  if (permissions.length === 0) throw missingParameter('ipPermissions')
  const tags = tagsFor('security-group-rule', input.TagSpecifications)
  const rules = await authorize(context.control, context, { groupId, isEgress: false, permissions, tags })
  return { Return: true, SecurityGroupRules: rules.map((rule) => showRule(context, groupId, rule)) }
}
