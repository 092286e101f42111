import { ruleNotFound } from '#control/network/faults.ts'
import { securityGroups } from '#control/network/network.ts'
import type { SecurityRule } from '#control/network/record.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagFields, type FilterFields } from './filters.ts'
import { list } from './listing.ts'
import { showRule } from './render.ts'

interface OwnedRule extends SecurityRule {
  readonly groupId: string
}

const fields: FilterFields<OwnedRule> = {
  ...tagFields((rule) => rule.tags),
  'group-id': (rule) => [rule.groupId],
  'security-group-rule-id': (rule) => [rule.ruleId],
}

export const DescribeSecurityGroupRules: Ec2Handler<'DescribeSecurityGroupRules'> = async (input, context) => {
  const groups = await securityGroups(context.control, context)
  const rules: OwnedRule[] = groups.flatMap(({ groupId, rules: own }) => own.map((rule) => ({ ...rule, groupId })))
  const { items, ...next } = list(rules, input, {
    idOf: (rule) => rule.ruleId,
    fields,
    ids: input.SecurityGroupRuleIds,
    notFound: ruleNotFound,
  })
  return { SecurityGroupRules: items.map((rule) => showRule(context, rule.groupId, rule)), ...next }
}
