import { subnetNotFound } from '#control/network/faults.ts'
import { subnets } from '#control/network/network.ts'
import type { SubnetRecord } from '#control/network/record.ts'
import { zoneIdOf } from '#control/network/zones.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagFields, type FilterFields } from './filters.ts'
import { list } from './listing.ts'
import { showSubnet } from './render.ts'

const fields: FilterFields<SubnetRecord> = {
  ...tagFields((subnet) => subnet.tags),
  'availability-zone': (subnet) => [subnet.availabilityZone],
  availabilityZone: (subnet) => [subnet.availabilityZone],
  'availability-zone-id': (subnet) => [zoneIdOf(subnet.availabilityZone)],
  availabilityZoneId: (subnet) => [zoneIdOf(subnet.availabilityZone)],
  cidr: (subnet) => [subnet.cidrBlock],
  'cidr-block': (subnet) => [subnet.cidrBlock],
  cidrBlock: (subnet) => [subnet.cidrBlock],
  'default-for-az': (subnet) => [String(subnet.defaultForAz)],
  defaultForAz: (subnet) => [String(subnet.defaultForAz)],
  'map-public-ip-on-launch': (subnet) => [String(subnet.mapPublicIpOnLaunch)],
  state: () => ['available'],
  'subnet-id': (subnet) => [subnet.subnetId],
  'vpc-id': (subnet) => [subnet.vpcId],
}

export const DescribeSubnets: Ec2Handler<'DescribeSubnets'> = async (input, context) => {
  const { items, ...next } = list(await subnets(context.control, context), input, {
    idOf: (subnet) => subnet.subnetId,
    fields: { ...fields, 'owner-id': () => [context.account] },
    ids: input.SubnetIds,
    notFound: subnetNotFound,
  })
  return { Subnets: items.map((subnet) => showSubnet(context, subnet)), ...next }
}
