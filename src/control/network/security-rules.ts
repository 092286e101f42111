/** Rules of security groups: how permissions are read, compared, added, revoked and shown. Pure. */
import type { IpPermission } from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'
import { formatIpv4Block, isIpv6Block, parseIpv4Block } from './cidr.ts'
import { invalidValue, missingParameter } from './faults.ts'
import { RULES_PER_GROUP_MAX } from './limits.ts'
import type { SecurityPeer, SecurityRule } from './record.ts'

/** What a rule says, without what it is called. */
export type RuleTerms = Omit<SecurityRule, 'ruleId' | 'tags'>

/** Protocols that have ports, or type and code, by number. AWS: IpPermission, IpProtocol. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp', '1': 'icmp', '58': 'icmpv6' }
const WITH_PORTS = ['tcp', 'udp']
const WITH_TYPES = ['icmp', 'icmpv6']
const PORT_MAX = 65_535

/** One for each peer of each permission. Throws EC2's faults. */
export function readPermissions(permissions: readonly IpPermission[], isEgress: boolean): RuleTerms[] {
  return permissions.flatMap((permission) => {
    const { protocol, fromPort, toPort } = readPorts(permission)
    const peers = readPeers(permission)
    if (peers.length === 0) throw missingParameter('ipRanges, ipv6Ranges, prefixListIds or groups')
    return peers.map(({ peer, description }) => ({ isEgress, protocol, fromPort, toPort, peer, description }))
  })
}

function readPorts({
  IpProtocol,
  FromPort,
  ToPort,
}: IpPermission): Pick<RuleTerms, 'protocol' | 'fromPort' | 'toPort'> {
  if (IpProtocol === undefined) throw missingParameter('ipProtocol')
  const given = IpProtocol.toLowerCase()
  const protocol = PROTOCOL_NAMES[given] ?? given
  const all = { protocol, fromPort: -1, toPort: -1 }
  if (protocol === '-1' || protocol === 'all') return { ...all, protocol: '-1' }
  if (WITH_TYPES.includes(protocol)) return { protocol, fromPort: FromPort ?? -1, toPort: ToPort ?? -1 }
  if (!WITH_PORTS.includes(protocol)) {
    if (/^\d{1,3}$/.test(protocol) && Number(protocol) <= 255) return all
    throw invalidValue(`Invalid value '${IpProtocol}' for IP protocol. Unknown protocol.`)
  }
  if (FromPort === undefined || ToPort === undefined)
    throw invalidValue(`Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.`)
  for (const port of [FromPort, ToPort])
    if (port < 0 || port > PORT_MAX)
      throw invalidValue(`Invalid value '${port}' for portRange. Must be 0 to ${PORT_MAX}.`)
  if (FromPort > ToPort) throw invalidValue(`Invalid TCP/UDP port range (${FromPort}:${ToPort})`)
  return { protocol, fromPort: FromPort, toPort: ToPort }
}

function readPeers(permission: IpPermission): { peer: SecurityPeer; description: string | undefined }[] {
  const { IpRanges = [], Ipv6Ranges = [], PrefixListIds = [], UserIdGroupPairs = [] } = permission
  return [
    ...IpRanges.map((r) => ({ peer: ipv4Peer(r.CidrIp), description: r.Description })),
    ...Ipv6Ranges.map((r) => ({ peer: ipv6Peer(r.CidrIpv6), description: r.Description })),
    ...PrefixListIds.map((p) => ({ peer: namedPeer('prefix-list', p.PrefixListId), description: p.Description })),
    ...UserIdGroupPairs.map((g) => ({ peer: namedPeer('group', g.GroupId), description: g.Description })),
  ]
}

function ipv4Peer(text = ''): SecurityPeer {
  const block = parseIpv4Block(text)
  if (!block) throw invalidValue(`CIDR block ${text} is malformed`)
  return { kind: 'ipv4', value: formatIpv4Block(block) }
}

function ipv6Peer(text = ''): SecurityPeer {
  if (!isIpv6Block(text)) throw invalidValue(`CIDR block ${text} is malformed`)
  return { kind: 'ipv6', value: text.toLowerCase() }
}

function namedPeer(kind: 'prefix-list' | 'group', value: string | undefined): SecurityPeer {
  if (value === undefined) throw missingParameter(kind === 'group' ? 'groupId' : 'prefixListId')
  return { kind, value }
}

/** Whether two rules let the same through; descriptions do not count. */
function isSame(a: RuleTerms, b: RuleTerms): boolean {
  return (
    a.isEgress === b.isEgress &&
    a.protocol === b.protocol &&
    a.fromPort === b.fromPort &&
    a.toPort === b.toPort &&
    a.peer.kind === b.peer.kind &&
    a.peer.value === b.peer.value
  )
}

/** The rules with more. Throws InvalidPermission.Duplicate and RulesPerSecurityGroupLimitExceeded. */
export function addRules(rules: readonly SecurityRule[], added: readonly SecurityRule[]): SecurityRule[] {
  const all = [...rules]
  for (const rule of added) {
    if (all.some((other) => isSame(other, rule)))
      throw new AwsFault('InvalidPermission.Duplicate', `the specified rule "${wordsOf(rule)}" already exists`)
    all.push(rule)
  }
  for (const isEgress of [false, true])
    if (all.filter((rule) => rule.isEgress === isEgress).length > RULES_PER_GROUP_MAX)
      throw new AwsFault(
        'RulesPerSecurityGroupLimitExceeded',
        `The maximum number of rules per security group, ${RULES_PER_GROUP_MAX}, has been reached.`,
      )
  return all
}

/** The rules without some. Throws InvalidPermission.NotFound if one of them is not there. */
export function revokeRules(rules: readonly SecurityRule[], revoked: readonly RuleTerms[]): SecurityRule[] {
  const missing = revoked.find((terms) => !rules.some((rule) => isSame(rule, terms)))
  if (missing)
    throw new AwsFault('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.')
  return rules.filter((rule) => !revoked.some((terms) => isSame(rule, terms)))
}

function wordsOf({ peer, protocol, fromPort, toPort }: RuleTerms): string {
  const what = protocol === '-1' ? 'ALL' : protocol.toUpperCase()
  const ports = fromPort === -1 && toPort === -1 ? '' : `, from port: ${fromPort}, to port: ${toPort}`
  return `peer: ${peer.value}, ${what}${ports}, ALLOW`
}
