import type { Random } from '#host/random.ts'
import { newNetworkId, type SecurityGroupRecord, type SecurityRule } from './record.ts'

/** Every VPC has one group of this name, and users can make none. */
export const DEFAULT_GROUP_NAME = 'default'

/** The rule that every new group of a VPC has: everything may go out. */
export function allowAllOut(random: Random): SecurityRule {
  return {
    ruleId: newNetworkId('sgr', random),
    isEgress: true,
    protocol: '-1',
    fromPort: -1,
    toPort: -1,
    peer: { kind: 'ipv4', value: '0.0.0.0/0' },
    description: undefined,
    tags: [],
  }
}

/** A VPC's default group: everything out, and in from its own members. */
export function newDefaultGroup(vpcId: string, random: Random): SecurityGroupRecord {
  const groupId = newNetworkId('sg', random)
  const out = allowAllOut(random)
  return {
    groupId,
    vpcId,
    groupName: DEFAULT_GROUP_NAME,
    description: 'default VPC security group',
    rules: [
      { ...out, ruleId: newNetworkId('sgr', random), isEgress: false, peer: { kind: 'group', value: groupId } },
      out,
    ],
    tags: [],
  }
}
