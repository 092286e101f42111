/** Rules of VPCs. */
import type { Tag } from '@aws-sdk/client-ec2'
import { together } from '#store/collection.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import { transact, type Scope } from '../control.ts'
import { formatIpv4Block, parseIpv4Block } from './cidr.ts'
import { DEFAULT_GROUP_NAME, newDefaultGroup } from './default-group.ts'
import { dependencyViolation, invalidValue, limitExceeded, vpcNotFound } from './faults.ts'
import { VPCS_MAX } from './limits.ts'
import { securityGroups, subnets, vpcs, type NetworkControl } from './network.ts'
import { newNetworkId, securityGroupRecords, vpcRecords, type VpcRecord } from './record.ts'
import { checkNetworkTags } from './tags.ts'

/** AWS: CreateVpc, CidrBlock: "The allowed block size is between a /28 netmask and /16 netmask". */
const BITS_MIN = 16
const BITS_MAX = 28

export interface NewVpc {
  readonly cidrBlock: string
  readonly instanceTenancy: VpcRecord['instanceTenancy']
  readonly tags: readonly Tag[]
}

/** Makes the VPC with its default security group. */
export async function createVpc(control: NetworkControl, scope: Scope, wanted: NewVpc): Promise<VpcRecord> {
  const block = parseIpv4Block(wanted.cidrBlock)
  if (!block)
    throw invalidValue(
      `Value (${wanted.cidrBlock}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    )
  if (block.bits < BITS_MIN || block.bits > BITS_MAX)
    throw new AwsFault('InvalidVpc.Range', `The CIDR '${wanted.cidrBlock}' is invalid.`)
  const tags = checkNetworkTags(wanted.tags)
  return transact(control, async () => {
    if ((await vpcs(control, scope)).length >= VPCS_MAX) throw limitExceeded('Vpc', VPCS_MAX)
    const result: VpcRecord = {
      vpcId: newNetworkId('vpc', control.random),
      cidrBlock: formatIpv4Block(block),
      isDefault: false,
      instanceTenancy: wanted.instanceTenancy,
      enableDnsSupport: true,
      enableDnsHostnames: false,
      enableNetworkAddressUsageMetrics: false,
      tags,
    }
    const group = newDefaultGroup(result.vpcId, control.random)
    const mutation = together(
      vpcRecords(control, scope).create(result.vpcId, result),
      securityGroupRecords(control, scope).create(group.groupId, group),
    )
    return { mutation, result }
  })
}

/** The default VPC cannot be deleted here: the default DB subnet group stands on it. */
export async function deleteVpc(control: NetworkControl, scope: Scope, vpcId: string): Promise<void> {
  await transact(control, async () => {
    const vpc = await vpcRecords(control, scope).get(vpcId)
    if (!vpc) throw vpcNotFound(vpcId)
    const groups = (await securityGroups(control, scope)).filter((group) => group.vpcId === vpcId)
    const hasSubnets = (await subnets(control, scope)).some((subnet) => subnet.vpcId === vpcId)
    if (vpc.value.isDefault || hasSubnets || groups.some((group) => group.groupName !== DEFAULT_GROUP_NAME))
      throw dependencyViolation(`The vpc '${vpcId}' has dependencies and cannot be deleted.`)
    const defaults = await Promise.all(groups.map((group) => securityGroupRecords(control, scope).get(group.groupId)))
    const removals = defaults.flatMap((held) => (held ? [securityGroupRecords(control, scope).remove(held)] : []))
    return { mutation: together(vpcRecords(control, scope).remove(vpc), ...removals), result: undefined }
  })
}

export type VpcAttributes = Partial<
  Pick<VpcRecord, 'enableDnsSupport' | 'enableDnsHostnames' | 'enableNetworkAddressUsageMetrics'>
>

export async function modifyVpc(
  control: NetworkControl,
  scope: Scope,
  { vpcId, attributes }: { readonly vpcId: string; readonly attributes: VpcAttributes },
): Promise<void> {
  await transact(control, async () => {
    const held = await vpcRecords(control, scope).get(vpcId)
    if (!held) throw vpcNotFound(vpcId)
    const mutation = vpcRecords(control, scope).update(held, { ...held.value, ...attributes })
    return { mutation, result: undefined }
  })
}
