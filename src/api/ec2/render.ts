/** Records of the network as EC2 shows them. */
import type {
  IpPermission,
  SecurityGroup,
  SecurityGroupRule,
  Subnet,
  Tag,
  TagSpecification,
  Vpc,
} from '@aws-sdk/client-ec2'
import type { Scope } from '#control/control.ts'
import { addressCount, parseIpv4Block } from '#control/network/cidr.ts'
import type { SecurityGroupRecord, SecurityRule, SubnetRecord, VpcRecord } from '#control/network/record.ts'
import { zoneIdOf } from '#control/network/zones.ts'

/** AWS: the first four addresses of a subnet and the last are not to be had. */
const RESERVED_ADDRESSES = 5

/** The set of DHCP options that every VPC has. */
export const DEFAULT_DHCP_OPTIONS = 'default'

export function showVpc(scope: Scope, vpc: VpcRecord): Vpc {
  return {
    VpcId: vpc.vpcId,
    OwnerId: scope.account,
    CidrBlock: vpc.cidrBlock,
    CidrBlockAssociationSet: [
      {
        AssociationId: `vpc-cidr-assoc-${vpc.vpcId.slice('vpc-'.length)}`,
        CidrBlock: vpc.cidrBlock,
        CidrBlockState: { State: 'associated' },
      },
    ],
    DhcpOptionsId: DEFAULT_DHCP_OPTIONS,
    InstanceTenancy: vpc.instanceTenancy,
    IsDefault: vpc.isDefault,
    State: 'available',
    Tags: [...vpc.tags],
  }
}

export function showSubnet(scope: Scope, subnet: SubnetRecord): Subnet {
  return {
    SubnetId: subnet.subnetId,
    SubnetArn: arnOf(scope, `subnet/${subnet.subnetId}`),
    OwnerId: scope.account,
    VpcId: subnet.vpcId,
    CidrBlock: subnet.cidrBlock,
    AvailabilityZone: subnet.availabilityZone,
    AvailabilityZoneId: zoneIdOf(subnet.availabilityZone),
    AvailableIpAddressCount: addressCount(parseIpv4Block(subnet.cidrBlock)!) - RESERVED_ADDRESSES,
    DefaultForAz: subnet.defaultForAz,
    MapPublicIpOnLaunch: subnet.mapPublicIpOnLaunch,
    AssignIpv6AddressOnCreation: false,
    EnableDns64: false,
    Ipv6Native: false,
    Ipv6CidrBlockAssociationSet: [],
    MapCustomerOwnedIpOnLaunch: false,
    PrivateDnsNameOptionsOnLaunch: {
      HostnameType: 'ip-name',
      EnableResourceNameDnsARecord: false,
      EnableResourceNameDnsAAAARecord: false,
    },
    State: 'available',
    Tags: [...subnet.tags],
  }
}

export function showSecurityGroup(scope: Scope, group: SecurityGroupRecord): SecurityGroup {
  return {
    GroupId: group.groupId,
    GroupName: group.groupName,
    Description: group.description,
    OwnerId: scope.account,
    VpcId: group.vpcId,
    SecurityGroupArn: arnOf(scope, `security-group/${group.groupId}`),
    IpPermissions: showPermissions(
      scope,
      group.rules.filter((rule) => !rule.isEgress),
    ),
    IpPermissionsEgress: showPermissions(
      scope,
      group.rules.filter((rule) => rule.isEgress),
    ),
    Tags: [...group.tags],
  }
}

export function showRule(scope: Scope, groupId: string, rule: SecurityRule): SecurityGroupRule {
  const { peer } = rule
  return {
    SecurityGroupRuleId: rule.ruleId,
    SecurityGroupRuleArn: arnOf(scope, `security-group-rule/${rule.ruleId}`),
    GroupId: groupId,
    GroupOwnerId: scope.account,
    IsEgress: rule.isEgress,
    IpProtocol: rule.protocol,
    FromPort: rule.fromPort,
    ToPort: rule.toPort,
    ...(peer.kind === 'ipv4' && { CidrIpv4: peer.value }),
    ...(peer.kind === 'ipv6' && { CidrIpv6: peer.value }),
    ...(peer.kind === 'prefix-list' && { PrefixListId: peer.value }),
    ...(peer.kind === 'group' && { ReferencedGroupInfo: { GroupId: peer.value, UserId: scope.account } }),
    ...(rule.description !== undefined && { Description: rule.description }),
    Tags: [...rule.tags],
  }
}

/** Rules of the same protocol and ports are one permission. */
function showPermissions(scope: Scope, rules: readonly SecurityRule[]): IpPermission[] {
  const groups = Map.groupBy(rules, (rule) => `${rule.protocol} ${rule.fromPort} ${rule.toPort}`)
  return [...groups.values()].map((same) => {
    const { protocol, fromPort, toPort } = same[0]!
    const hasPorts = protocol !== '-1'
    const of = (kind: SecurityRule['peer']['kind']) =>
      same
        .filter((rule) => rule.peer.kind === kind)
        .map(({ peer, description }) => ({
          value: peer.value,
          described: description === undefined ? {} : { Description: description },
        }))
    return {
      IpProtocol: protocol,
      ...(hasPorts && { FromPort: fromPort, ToPort: toPort }),
      IpRanges: of('ipv4').map(({ value, described }) => ({ CidrIp: value, ...described })),
      Ipv6Ranges: of('ipv6').map(({ value, described }) => ({ CidrIpv6: value, ...described })),
      PrefixListIds: of('prefix-list').map(({ value, described }) => ({ PrefixListId: value, ...described })),
      UserIdGroupPairs: of('group').map(({ value, described }) => ({
        GroupId: value,
        UserId: scope.account,
        ...described,
      })),
    }
  })
}

/** Tags that a create action is to give to the resource of this type. */
export function tagsFor(type: string, specifications: readonly TagSpecification[] | undefined): Tag[] {
  return (specifications ?? []).filter((s) => s.ResourceType === type).flatMap((s) => s.Tags ?? [])
}

function arnOf(scope: Scope, resource: string): string {
  return `arn:aws:ec2:${scope.region}:${scope.account}:${resource}`
}
