/**
 * The network of an account in a region, as other resources see it: the default VPC, and VPCs, subnets and security
 * groups by id. Does not load EC2's SDK.
 */
import { NOTHING, Collection, together } from '#store/collection.ts'
import { prefixOf, transact, type Control, type Scope } from '../control.ts'
import { formatIpv4Block, parseIpv4Block, subBlock } from './cidr.ts'
import { newDefaultGroup } from './default-group.ts'
import { newNetworkId, securityGroupRecords, subnetRecords, vpcRecords } from './record.ts'
import type { SecurityGroupRecord, SubnetRecord, VpcRecord } from './record.ts'
import { zonesOf } from './zones.ts'

export type NetworkControl = Pick<Control, 'store' | 'random' | 'hosts' | 'clock'>

/** What exists in every account and region without being made. */
export interface DefaultNetwork {
  readonly vpcId: string
  /** One for each zone, in their order. */
  readonly subnetIds: readonly string[]
  readonly securityGroupId: string
}

/** AWS: Amazon VPC User Guide, "Default VPC components". */
const DEFAULT_VPC_BLOCK = '172.31.0.0/16'
const DEFAULT_SUBNET_BITS = 20

/** The one record of its kind. */
const DEFAULT_KEY = 'it'

/** Made at the first look; its ids are the same ever after. */
export async function defaultNetwork(control: NetworkControl, scope: Scope): Promise<DefaultNetwork> {
  const defaults = new Collection<DefaultNetwork>(control.store, prefixOf(scope, 'default-network', 'ec2'))
  const known = await defaults.get(DEFAULT_KEY)
  if (known) return known.value
  return transact(control, async () => {
    const held = await defaults.get(DEFAULT_KEY)
    if (held) return { mutation: NOTHING, result: held.value }
    const { vpc, subnets: made, group } = newDefaults(control, scope)
    const result = { vpcId: vpc.vpcId, subnetIds: made.map((s) => s.subnetId), securityGroupId: group.groupId }
    const mutation = together(
      defaults.create(DEFAULT_KEY, result),
      vpcRecords(control, scope).create(vpc.vpcId, vpc),
      securityGroupRecords(control, scope).create(group.groupId, group),
      ...made.map((subnet) => subnetRecords(control, scope).create(subnet.subnetId, subnet)),
    )
    return { mutation, result }
  })
}

/** All of them, or those with these ids that exist, in the order of their ids. */
export async function vpcs(control: NetworkControl, scope: Scope, ids?: readonly string[]): Promise<VpcRecord[]> {
  await defaultNetwork(control, scope)
  return chosen(vpcRecords(control, scope), ids)
}

/** All of them, or those with these ids that exist, in the order of their ids. */
export async function subnets(control: NetworkControl, scope: Scope, ids?: readonly string[]): Promise<SubnetRecord[]> {
  await defaultNetwork(control, scope)
  return chosen(subnetRecords(control, scope), ids)
}

/** All of them, or those with these ids that exist, in the order of their ids. */
export async function securityGroups(
  control: NetworkControl,
  scope: Scope,
  ids?: readonly string[],
): Promise<SecurityGroupRecord[]> {
  await defaultNetwork(control, scope)
  return chosen(securityGroupRecords(control, scope), ids)
}

async function chosen<T>(records: Collection<T>, ids: readonly string[] | undefined): Promise<T[]> {
  if (!ids) return (await records.list()).map((held) => held.value)
  const found = await Promise.all([...new Set(ids)].sort().map((id) => records.get(id)))
  return found.flatMap((held) => (held ? [held.value] : []))
}

function newDefaults(
  control: NetworkControl,
  { region }: Scope,
): { vpc: VpcRecord; subnets: SubnetRecord[]; group: SecurityGroupRecord } {
  const vpcId = newNetworkId('vpc', control.random)
  const block = parseIpv4Block(DEFAULT_VPC_BLOCK)!
  const made = zonesOf(control, region).map((zone, index) => ({
    subnetId: newNetworkId('subnet', control.random),
    vpcId,
    cidrBlock: formatIpv4Block(subBlock(block, DEFAULT_SUBNET_BITS, index)),
    availabilityZone: zone.name,
    defaultForAz: true,
    mapPublicIpOnLaunch: true,
    tags: [],
  }))
  const vpc: VpcRecord = {
    vpcId,
    cidrBlock: DEFAULT_VPC_BLOCK,
    isDefault: true,
    instanceTenancy: 'default',
    enableDnsSupport: true,
    enableDnsHostnames: true,
    enableNetworkAddressUsageMetrics: false,
    tags: [],
  }
  return { vpc, subnets: made, group: newDefaultGroup(vpcId, control.random) }
}
