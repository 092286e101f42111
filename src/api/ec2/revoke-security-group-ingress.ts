import { missingParameter } from '#control/network/faults.ts'
import { revoke } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { groupIdOf, permissionsOf } from './group-of.ts'

export const RevokeSecurityGroupIngress: Ec2Handler<'RevokeSecurityGroupIngress'> = async (input, context) => {
  const groupId = await groupIdOf(context, input)
  const permissions = await permissionsOf(context, input)
  const ruleIds = input.SecurityGroupRuleIds ?? []
  if (permissions.length + ruleIds.length === 0) throw missingParameter('ipPermissions')
  await revoke(context.control, context, { groupId, isEgress: false, permissions, ruleIds })
  return { Return: true }
}
