import { vpcNotFound } from '#control/network/faults.ts'
import { vpcs } from '#control/network/network.ts'
import type { VpcRecord } from '#control/network/record.ts'
import type { Ec2Handler } from '../handler.ts'
import { tagFields, type FilterFields } from './filters.ts'
import { list } from './listing.ts'
import { DEFAULT_DHCP_OPTIONS, showVpc } from './render.ts'

const fields: FilterFields<VpcRecord> = {
  ...tagFields((vpc) => vpc.tags),
  cidr: (vpc) => [vpc.cidrBlock],
  'cidr-block-association.cidr-block': (vpc) => [vpc.cidrBlock],
  'cidr-block-association.state': () => ['associated'],
  'dhcp-options-id': () => [DEFAULT_DHCP_OPTIONS],
  'is-default': (vpc) => [String(vpc.isDefault)],
  isDefault: (vpc) => [String(vpc.isDefault)],
  state: () => ['available'],
  'vpc-id': (vpc) => [vpc.vpcId],
}

export const DescribeVpcs: Ec2Handler<'DescribeVpcs'> = async (input, context) => {
  const { items, ...next } = list(await vpcs(context.control, context), input, {
    idOf: (vpc) => vpc.vpcId,
    fields: { ...fields, 'owner-id': () => [context.account] },
    ids: input.VpcIds,
    notFound: vpcNotFound,
  })
  return { Vpcs: items.map((vpc) => showVpc(context, vpc)), ...next }
}
