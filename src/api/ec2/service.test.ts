import { test } from 'node:test'
import assert from 'node:assert/strict'
import { requestContext, SCOPE, testControl } from '../../../tests/support/control.ts'
import { instanceRecord, putInstance } from '../../../tests/support/instance.ts'
import { CreateDBSubnetGroup } from '../rds/create-db-subnet-group.ts'
import { ec2Handlers as ec2 } from './service.ts'

const fresh = () => requestContext(testControl())
const code = (name: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, name)
  return true
}

interface Permission {
  IpProtocol: string
  FromPort: number
  ToPort: number
  IpRanges?: { CidrIp: string; Description?: string }[]
  Ipv6Ranges?: { CidrIpv6: string }[]
  UserIdGroupPairs?: { GroupId: string }[]
}

const ANYWHERE = { IpRanges: [{ CidrIp: '0.0.0.0/0' }] }

const tcp = (port: number, peers: Partial<Permission> = ANYWHERE): Permission => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: port,
  ...peers,
})

async function withGroup() {
  const context = fresh()
  const { GroupId } = await ec2.CreateSecurityGroup({ GroupName: 'app', Description: 'of the app' }, context)
  return { context, GroupId: GroupId! }
}

test('every account and region has a default VPC with a subnet in each zone and a group, the same at every look', async () => {
  const context = fresh()
  const looks = await Promise.all([1, 2].map(async () => (await ec2.DescribeVpcs({}, context)).Vpcs!))
  assert.deepEqual(looks[0], looks[1])
  const [vpc] = looks[0]!
  assert.equal(looks[0]!.length, 1)
  assert.ok(vpc!.IsDefault)
  assert.equal(vpc!.CidrBlock, '172.31.0.0/16')
  assert.match(vpc!.VpcId!, /^vpc-0[0-9a-f]{16}$/)
  const subnets = (await ec2.DescribeSubnets({}, context)).Subnets!
  assert.deepEqual(subnets.map((s) => [s.AvailabilityZone, s.CidrBlock, s.AvailabilityZoneId]).sort(), [
    ['us-east-1a', '172.31.0.0/20', 'use1-az1'],
    ['us-east-1b', '172.31.16.0/20', 'use1-az2'],
    ['us-east-1c', '172.31.32.0/20', 'use1-az3'],
  ])
  assert.equal(subnets[0]!.AvailableIpAddressCount, 4_091)
  const [group] = (await ec2.DescribeSecurityGroups({}, context)).SecurityGroups!
  assert.equal(group!.GroupName, 'default')
  assert.deepEqual(group!.IpPermissions![0]!.UserIdGroupPairs, [{ GroupId: group!.GroupId, UserId: SCOPE.account }])
  const other = await ec2.DescribeVpcs({}, { ...context, region: 'eu-west-1' })
  assert.notEqual(other.Vpcs![0]!.VpcId, vpc!.VpcId)
})

test('lists are filtered by value, pattern and tag, and given out in pages', async () => {
  const context = fresh()
  for (const n of [1, 2, 3, 4, 5, 6]) {
    const Tags = [{ Key: 'team', Value: n < 3 ? 'red' : 'blue' }]
    await ec2.CreateVpc({ CidrBlock: `10.${n}.0.0/16`, TagSpecifications: [{ ResourceType: 'vpc', Tags }] }, context)
  }
  const count = async (Name: string, ...Values: string[]) =>
    (await ec2.DescribeVpcs({ Filters: [{ Name, Values }] }, context)).Vpcs!.length
  assert.equal(await count('is-default', 'true'), 1)
  assert.equal(await count('cidr', '10.*'), 6)
  assert.equal(await count('cidr', '10.1.0.0/16', '10.?.0.0/16'), 6)
  assert.equal(await count('cidr', '10.\\*'), 0)
  assert.equal(await count('tag:team', 'red'), 2)
  assert.equal(await count('tag-key', 'team'), 6)
  await assert.rejects(count('colour', 'red'), code('InvalidParameterValue'))
  const first = await ec2.DescribeVpcs({ MaxResults: 5 }, context)
  const second = await ec2.DescribeVpcs({ MaxResults: 5, NextToken: first.NextToken! }, context)
  assert.deepEqual([first.Vpcs!.length, second.Vpcs!.length, second.NextToken], [5, 2, undefined])
  await assert.rejects(async () => ec2.DescribeVpcs({ NextToken: 'nonsense' }, context), code('InvalidParameterValue'))
})

test('unknown ids have the code of their kind', async () => {
  const context = fresh()
  const calls = {
    'InvalidVpcID.NotFound': async () => ec2.DescribeVpcs({ VpcIds: ['vpc-1'] }, context),
    'InvalidSubnetID.NotFound': async () => ec2.DescribeSubnets({ SubnetIds: ['subnet-1'] }, context),
    'InvalidGroup.NotFound': async () => ec2.DeleteSecurityGroup({ GroupId: 'sg-1' }, context),
    'InvalidSecurityGroupRuleId.NotFound': async () =>
      ec2.DescribeSecurityGroupRules({ SecurityGroupRuleIds: ['sgr-1'] }, context),
  }
  for (const [name, call] of Object.entries(calls)) await assert.rejects(call, code(name))
})

test('a VPC goes through its life: made, changed, filled, emptied, deleted', async () => {
  const context = fresh()
  const { Vpc } = await ec2.CreateVpc({ CidrBlock: '10.0.3.1/16' }, context)
  const VpcId = Vpc!.VpcId!
  assert.equal(Vpc!.CidrBlock, '10.0.0.0/16')
  await ec2.ModifyVpcAttribute({ VpcId, EnableDnsHostnames: { Value: true } }, context)
  const attribute = await ec2.DescribeVpcAttribute({ VpcId, Attribute: 'enableDnsHostnames' }, context)
  assert.equal(attribute.EnableDnsHostnames!.Value, true)
  const { Subnet } = await ec2.CreateSubnet(
    { VpcId, CidrBlock: '10.0.0.0/24', AvailabilityZone: 'us-east-1b' },
    context,
  )
  const create =
    (CidrBlock: string, zone = 'us-east-1a') =>
    async () =>
      ec2.CreateSubnet({ VpcId, CidrBlock, AvailabilityZone: zone }, context)
  await assert.rejects(create('10.0.0.128/25'), code('InvalidSubnet.Conflict'))
  await assert.rejects(create('10.1.0.0/24'), code('InvalidSubnet.Range'))
  await assert.rejects(create('10.0.9.0/24', 'mars-1a'), code('InvalidParameterValue'))
  await assert.rejects(async () => ec2.DeleteVpc({ VpcId }, context), code('DependencyViolation'))
  await ec2.DeleteSubnet({ SubnetId: Subnet!.SubnetId! }, context)
  await ec2.DeleteVpc({ VpcId }, context)
  await assert.rejects(async () => ec2.DescribeVpcs({ VpcIds: [VpcId] }, context), code('InvalidVpcID.NotFound'))
  const left = await ec2.DescribeSecurityGroups({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }, context)
  assert.deepEqual(left.SecurityGroups, [], 'its default group went with it')
})

test('wrong blocks are refused', async () => {
  const create = (CidrBlock: string) => async () => ec2.CreateVpc({ CidrBlock }, fresh())
  await assert.rejects(create('10.0.0.0'), code('InvalidParameterValue'))
  await assert.rejects(create('10.0.0.0/8'), code('InvalidVpc.Range'))
})

test('rules are added, shown by permission and by rule, and revoked', async () => {
  const { context, GroupId } = await withGroup()
  const IpPermissions = [
    tcp(5432, {
      IpRanges: [{ CidrIp: '10.0.0.9/24', Description: 'office' }],
      Ipv6Ranges: [{ CidrIpv6: '2001:DB8::/32' }],
      UserIdGroupPairs: [{ GroupId }],
    }),
  ]
  const added = await ec2.AuthorizeSecurityGroupIngress({ GroupId, IpPermissions }, context)
  assert.equal(added.SecurityGroupRules!.length, 3)
  const [group] = (await ec2.DescribeSecurityGroups({ GroupIds: [GroupId] }, context)).SecurityGroups!
  assert.deepEqual(group!.IpPermissions, [
    {
      IpProtocol: 'tcp',
      FromPort: 5432,
      ToPort: 5432,
      IpRanges: [{ CidrIp: '10.0.0.0/24', Description: 'office' }],
      Ipv6Ranges: [{ CidrIpv6: '2001:db8::/32' }],
      PrefixListIds: [],
      UserIdGroupPairs: [{ GroupId, UserId: SCOPE.account }],
    },
  ])
  const ingress = { Filters: [{ Name: 'ip-permission.cidr', Values: ['10.0.0.0/24'] }] }
  assert.equal((await ec2.DescribeSecurityGroups(ingress, context)).SecurityGroups!.length, 1)
  await ec2.RevokeSecurityGroupIngress(
    { GroupId, IpPermissions: [tcp(5432, { IpRanges: [{ CidrIp: '10.0.0.0/24' }] })] },
    context,
  )
  const ruleId = added.SecurityGroupRules![1]!.SecurityGroupRuleId!
  await ec2.RevokeSecurityGroupIngress({ GroupId, SecurityGroupRuleIds: [ruleId] }, context)
  const rules = (await ec2.DescribeSecurityGroupRules({ Filters: [{ Name: 'group-id', Values: [GroupId] }] }, context))
    .SecurityGroupRules!
  assert.deepEqual(
    rules.map((rule) => [rule.IsEgress, rule.IpProtocol, rule.ReferencedGroupInfo?.GroupId ?? rule.CidrIpv4]).sort(),
    [
      [false, 'tcp', GroupId],
      [true, '-1', '0.0.0.0/0'],
    ],
  )
})

test('the short form of a permission, and the group by its name', async () => {
  const { context } = await withGroup()
  const input = { GroupName: 'app', IpProtocol: '6', FromPort: 22, ToPort: 22, CidrIp: '10.0.0.0/8' }
  const { SecurityGroupRules } = await ec2.AuthorizeSecurityGroupIngress(input, context)
  assert.deepEqual(
    SecurityGroupRules!.map((rule) => [rule.IpProtocol, rule.FromPort, rule.CidrIpv4]),
    [['tcp', 22, '10.0.0.0/8']],
  )
})

test('wrong rules are refused and change nothing', async () => {
  const { context, GroupId } = await withGroup()
  await ec2.AuthorizeSecurityGroupIngress({ GroupId, IpPermissions: [tcp(80)] }, context)
  const authorize =
    (...IpPermissions: Permission[]) =>
    async () =>
      ec2.AuthorizeSecurityGroupIngress({ GroupId, IpPermissions }, context)
  await assert.rejects(authorize(tcp(81), tcp(80)), code('InvalidPermission.Duplicate'))
  await assert.rejects(authorize(tcp(82), tcp(82)), code('InvalidPermission.Duplicate'))
  await assert.rejects(authorize(tcp(70_000)), code('InvalidParameterValue'))
  await assert.rejects(authorize({ ...tcp(90), ToPort: 80 }), code('InvalidParameterValue'))
  await assert.rejects(authorize({ ...tcp(90), IpProtocol: 'carrier-pigeon' }), code('InvalidParameterValue'))
  await assert.rejects(authorize(tcp(90, { IpRanges: [{ CidrIp: '10.0.0' }] })), code('InvalidParameterValue'))
  await assert.rejects(authorize(tcp(90, {})), code('MissingParameter'))
  await assert.rejects(authorize(), code('MissingParameter'))
  await assert.rejects(authorize(tcp(90, { UserIdGroupPairs: [{ GroupId: 'sg-9' }] })), code('InvalidGroup.NotFound'))
  const many = Array.from({ length: 60 }, (_, i) => tcp(1_000 + i))
  await assert.rejects(authorize(...many), code('RulesPerSecurityGroupLimitExceeded'))
  await assert.rejects(
    async () => ec2.RevokeSecurityGroupEgress({ GroupId, IpPermissions: [tcp(80)] }, context),
    code('InvalidPermission.NotFound'),
  )
  const [group] = (await ec2.DescribeSecurityGroups({ GroupIds: [GroupId] }, context)).SecurityGroups!
  assert.equal(group!.IpPermissions!.length, 1)
})

test('names of groups are unique in their VPC, and default is taken', async () => {
  const { context } = await withGroup()
  const create = (GroupName: string, VpcId?: string) => async () =>
    ec2.CreateSecurityGroup({ GroupName, Description: 'd', ...(VpcId && { VpcId }) }, context)
  await assert.rejects(create('app'), code('InvalidGroup.Duplicate'))
  await assert.rejects(create('default'), code('InvalidParameterValue'))
  await assert.rejects(create('sg-app'), code('InvalidParameterValue'))
  await assert.rejects(create('new', 'vpc-9'), code('InvalidVpcID.NotFound'))
  const { Vpc } = await ec2.CreateVpc({ CidrBlock: '10.0.0.0/16' }, context)
  await create('app', Vpc!.VpcId)()
})

test('a group that a rule or a DB instance uses cannot be deleted, nor the default one', async () => {
  const { context, GroupId } = await withGroup()
  const other = (await ec2.CreateSecurityGroup({ GroupName: 'other', Description: 'd' }, context)).GroupId!
  const remove = (id: string) => async () => ec2.DeleteSecurityGroup({ GroupId: id }, context)
  const IpPermissions = [tcp(5432, { UserIdGroupPairs: [{ GroupId }] })]
  await ec2.AuthorizeSecurityGroupIngress({ GroupId: other, IpPermissions }, context)
  await assert.rejects(remove(GroupId), code('DependencyViolation'))
  await ec2.RevokeSecurityGroupIngress({ GroupId: other, IpPermissions }, context)
  await remove(GroupId)()
  const record = instanceRecord()
  await putInstance(context.control, { ...record, settings: { ...record.settings, VpcSecurityGroupIds: [other] } })
  await assert.rejects(remove(other), code('DependencyViolation'))
  const Filters = [{ Name: 'group-name', Values: ['default'] }]
  const [standard] = (await ec2.DescribeSecurityGroups({ Filters }, context)).SecurityGroups!
  await assert.rejects(remove(standard!.GroupId!), code('CannotDelete'))
})

test('a subnet that a DB subnet group holds cannot be deleted', async () => {
  const context = fresh()
  const VpcId = (await ec2.CreateVpc({ CidrBlock: '10.0.0.0/16' }, context)).Vpc!.VpcId!
  const SubnetIds: string[] = []
  for (const [n, zone] of ['us-east-1a', 'us-east-1b'].entries()) {
    const input = { VpcId, CidrBlock: `10.0.${n}.0/24`, AvailabilityZone: zone }
    SubnetIds.push((await ec2.CreateSubnet(input, context)).Subnet!.SubnetId!)
  }
  await CreateDBSubnetGroup({ DBSubnetGroupName: 'g', DBSubnetGroupDescription: 'd', SubnetIds }, context)
  await assert.rejects(async () => ec2.DeleteSubnet({ SubnetId: SubnetIds[0]! }, context), code('DependencyViolation'))
})

test('tags are made, replaced, listed and deleted, on rules too', async () => {
  const { context, GroupId } = await withGroup()
  const rules = (await ec2.DescribeSecurityGroupRules({}, context)).SecurityGroupRules!
  const ruleId = rules.find((rule) => rule.GroupId === GroupId)!.SecurityGroupRuleId!
  const Resources = [GroupId, ruleId]
  await ec2.CreateTags(
    {
      Resources,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    },
    context,
  )
  await ec2.CreateTags({ Resources: [GroupId], Tags: [{ Key: 'a', Value: '9' }] }, context)
  await ec2.DeleteTags({ Resources, Tags: [{ Key: 'a', Value: '1' }] }, context)
  const tags = (await ec2.DescribeTags({}, context)).Tags!.map((t) => [t.ResourceType, t.Key, t.Value])
  assert.deepEqual(tags.sort(), [
    ['security-group', 'a', '9'],
    ['security-group', 'b', '2'],
    ['security-group-rule', 'b', '2'],
  ])
  const both = { Resources: [GroupId, 'vpc-9'], Tags: [{ Key: 'c', Value: '3' }] }
  await assert.rejects(async () => ec2.CreateTags(both, context), code('InvalidVpcID.NotFound'))
  await ec2.DeleteTags({ Resources }, context)
  assert.deepEqual((await ec2.DescribeTags({}, context)).Tags, [], 'neither what the failed call would have made')
})

test('zones, regions and account attributes', async () => {
  const context = fresh()
  const zones = (await ec2.DescribeAvailabilityZones({ ZoneNames: ['us-east-1b'] }, context)).AvailabilityZones!
  assert.deepEqual(
    zones.map((z) => [z.ZoneName, z.ZoneId, z.State]),
    [['us-east-1b', 'use1-az2', 'available']],
  )
  const here = { ...context, region: 'moon-1' }
  assert.ok((await ec2.DescribeRegions({}, here)).Regions!.some((r) => r.RegionName === 'moon-1'))
  await assert.rejects(
    async () => ec2.DescribeRegions({ RegionNames: ['nowhere'] }, context),
    code('InvalidParameterValue'),
  )
  const attributes = (await ec2.DescribeAccountAttributes({ AttributeNames: ['default-vpc'] }, context))
    .AccountAttributes!
  assert.match(attributes[0]!.AttributeValues![0]!.AttributeValue!, /^vpc-/)
})

test('a dry run changes nothing', async () => {
  const context = fresh()
  const dry = async () => ec2.CreateVpc({ CidrBlock: '10.0.0.0/16', DryRun: true }, context)
  await assert.rejects(dry, code('DryRunOperation'))
  assert.equal((await ec2.DescribeVpcs({}, context)).Vpcs!.length, 1)
})
