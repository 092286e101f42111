import { missingParameter } from '#control/network/faults.ts'
import { revoke } from '#control/network/security-group.ts'
import type { Ec2Handler } from '../handler.ts'
import { groupIdOf, permissionsOf } from './group-of.ts'

export const RevokeSecurityGroupEgress: Ec2Handler<'RevokeSecurityGroupEgress'> = async (input, context) => {
  const groupId = await groupIdOf(context, input)
  const permissions = await permissionsOf(context, input)
  const ruleIds = input.SecurityGroupRuleIds ?? []
  if (permissions.length + ruleIds.length === 0) throw missingParameter('ipPermissions')
  await revoke(context.control, context, { groupId, isEgress: true, permissions, ruleIds })
  return { Return: true }
}
