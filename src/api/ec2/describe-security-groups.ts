import { groupNotFound } from '#control/network/faults.ts'
import { securityGroups } from '#control/network/network.ts'
import type { SecurityGroupRecord, SecurityRule } from '#control/network/record.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagFields, type FilterFields } from './filters.ts'
import { list } from './listing.ts'
import { showSecurityGroup } from './render.ts'

type Fields = FilterFields<SecurityGroupRecord>

/** The filters on rules: `ip-permission.…` looks at those for traffic in, `egress.ip-permission.…` at those out. */
function ruleFields(start: string, isEgress: boolean): Fields {
  const field = (name: string, valueOf: (rule: SecurityRule) => string | undefined): Fields => ({
    [`${start}ip-permission.${name}`]: (group) =>
      group.rules.filter((rule) => rule.isEgress === isEgress).flatMap((rule) => valueOf(rule) ?? []),
  })
  const peer = (kind: SecurityRule['peer']['kind']) => (rule: SecurityRule) =>
    rule.peer.kind === kind ? rule.peer.value : undefined
  return {
    ...field('cidr', peer('ipv4')),
    ...field('ipv6-cidr', peer('ipv6')),
    ...field('group-id', peer('group')),
    ...field('prefix-list-id', peer('prefix-list')),
    ...field('protocol', (rule) => rule.protocol),
    ...field('from-port', (rule) => String(rule.fromPort)),
    ...field('to-port', (rule) => String(rule.toPort)),
  }
}

const fields: Fields = {
  ...tagFields((group) => group.tags),
  ...ruleFields('', false),
  ...ruleFields('egress.', true),
  description: (group) => [group.description],
  'group-id': (group) => [group.groupId],
  'group-name': (group) => [group.groupName],
  'vpc-id': (group) => [group.vpcId],
}

export const DescribeSecurityGroups: Ec2Handler<'DescribeSecurityGroups'> = async (input, context) => {
  const all = await securityGroups(context.control, context)
  const names = input.GroupNames ?? []
  const missing = names.find((name) => !all.some((group) => group.groupName === name))
  if (missing !== undefined) throw groupNotFound(missing)
  const named = names.length > 0 ? all.filter((group) => names.includes(group.groupName)) : all
  const { items, ...next } = list(named, input, {
    idOf: (group) => group.groupId,
    fields: { ...fields, 'owner-id': () => [context.account] },
    ids: input.GroupIds,
    notFound: groupNotFound,
  })
  return { SecurityGroups: items.map((group) => showSecurityGroup(context, group)), ...next }
}
