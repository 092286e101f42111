/** Rules of subnets. */
import type { Tag } from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'
import { together, type Held } from '#store/collection.ts'
import { transact, type Scope } from '../control.ts'
import { contains, formatIpv4Block, overlap, parseIpv4Block } from './cidr.ts'
import { dependencyViolation, invalidValue, limitExceeded, subnetNotFound, vpcNotFound } from './faults.ts'
import { SUBNETS_PER_VPC_MAX } from './limits.ts'
import { subnets, vpcs, type NetworkControl } from './network.ts'
import { newNetworkId, subnetRecords, vpcRecords, type SubnetRecord } from './record.ts'
import { checkNetworkTags } from './tags.ts'
import { isSubnetUsed } from './usage.ts'
import { zonesOf } from './zones.ts'

/** AWS: CreateSubnet: "The allowed block size is between a /28 netmask and /16 netmask". */
const BITS_MIN = 16
const BITS_MAX = 28

export interface NewSubnet {
  readonly vpcId: string
  readonly cidrBlock: string
  /** Name or id; undefined lets the first zone have it. */
  readonly zone: string | undefined
  readonly tags: readonly Tag[]
}

export async function createSubnet(control: NetworkControl, scope: Scope, wanted: NewSubnet): Promise<SubnetRecord> {
  const block = parseIpv4Block(wanted.cidrBlock)
  if (!block)
    throw invalidValue(
      `Value (${wanted.cidrBlock}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    )
  const zones = zonesOf(control, scope.region)
  const zone = wanted.zone === undefined ? zones[0] : zones.find((z) => z.name === wanted.zone || z.id === wanted.zone)
  if (!zone) {
    const valid = zones.map((z) => z.name).join(', ')
    throw invalidValue(
      `Value (${wanted.zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${valid}.`,
    )
  }
  const tags = checkNetworkTags(wanted.tags)
  return transact(control, async () => {
    // Subnets of a VPC are made one after the other (the VPC's record is compared): two may not overlap.
    await vpcs(control, scope)
    const vpc = await vpcRecords(control, scope).get(wanted.vpcId)
    if (!vpc) throw vpcNotFound(wanted.vpcId)
    const outer = parseIpv4Block(vpc.value.cidrBlock)!
    if (block.bits < BITS_MIN || block.bits > BITS_MAX || !contains(outer, block))
      throw new AwsFault('InvalidSubnet.Range', `The CIDR '${wanted.cidrBlock}' is invalid.`)
    const siblings = (await subnets(control, scope)).filter((subnet) => subnet.vpcId === wanted.vpcId)
    if (siblings.length >= SUBNETS_PER_VPC_MAX) throw limitExceeded('Subnet', SUBNETS_PER_VPC_MAX)
    if (siblings.some((subnet) => overlap(parseIpv4Block(subnet.cidrBlock)!, block)))
      throw new AwsFault('InvalidSubnet.Conflict', `The CIDR '${wanted.cidrBlock}' conflicts with another subnet`)
    const result: SubnetRecord = {
      subnetId: newNetworkId('subnet', control.random),
      vpcId: wanted.vpcId,
      cidrBlock: formatIpv4Block(block),
      availabilityZone: zone.name,
      defaultForAz: false,
      mapPublicIpOnLaunch: false,
      tags,
    }
    const touch = vpcRecords(control, scope).update(vpc, vpc.value)
    return { mutation: together(touch, subnetRecords(control, scope).create(result.subnetId, result)), result }
  })
}

/** Default subnets cannot be deleted here: the default DB subnet group stands on them. */
export async function deleteSubnet(control: NetworkControl, scope: Scope, subnetId: string): Promise<void> {
  await transact(control, async () => {
    const held = await requireSubnet(control, scope, subnetId)
    if (held.value.defaultForAz || (await isSubnetUsed(control, scope, subnetId)))
      throw dependencyViolation(`The subnet '${subnetId}' has dependencies and cannot be deleted.`)
    return { mutation: subnetRecords(control, scope).remove(held), result: undefined }
  })
}

export async function modifySubnet(
  control: NetworkControl,
  scope: Scope,
  { subnetId, mapPublicIpOnLaunch }: { readonly subnetId: string; readonly mapPublicIpOnLaunch: boolean },
): Promise<void> {
  await transact(control, async () => {
    const held = await requireSubnet(control, scope, subnetId)
    const mutation = subnetRecords(control, scope).update(held, { ...held.value, mapPublicIpOnLaunch })
    return { mutation, result: undefined }
  })
}

async function requireSubnet(control: NetworkControl, scope: Scope, subnetId: string): Promise<Held<SubnetRecord>> {
  const held = await subnetRecords(control, scope).get(subnetId)
  if (!held) throw subnetNotFound(subnetId)
  return held
}
