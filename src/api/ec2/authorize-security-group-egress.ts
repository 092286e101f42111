import { missingParameter } from '#control/network/faults.ts'
import { authorize } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { permissionsOf } from './group-of.ts'
import { showRule, tagsFor } from './render.ts'

export const AuthorizeSecurityGroupEgress: Ec2Handler<'AuthorizeSecurityGroupEgress'> = async (input, context) => {
  const permissions = await permissionsOf(context, input)
  if (permissions.length === 0) throw missingParameter('ipPermissions')
  const tags = tagsFor('security-group-rule', input.TagSpecifications)
  const wanted = { groupId: input.GroupId, isEgress: true, permissions, tags }
  const rules = await authorize(context.control, context, wanted)
  return { Return: true, SecurityGroupRules: rules.map((rule) => showRule(context, input.GroupId, rule)) }
}
