/** Rules of DB subnet groups. */
import {
  DBSubnetGroupAlreadyExistsFault,
  DBSubnetGroupDoesNotCoverEnoughAZs,
  DBSubnetGroupNotFoundFault,
  DBSubnetQuotaExceededFault,
  InvalidDBSubnetGroupStateFault,
  InvalidSubnet,
} from '@aws-sdk/client-rds'
import type { DBSubnetGroup } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { auroraClusters } from '../aurora-cluster/record.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Tag } from '../db-instance/record.ts'
import { subnets } from '../network/network.ts'
import { requireQuota, SUBNETS_PER_GROUP_MAX } from '../quota/quotas.ts'
import { DEFAULT_SUBNET_GROUP, implicitSubnetGroup, subnetGroups } from './record.ts'
import type { SubnetGroupRecord } from './record.ts'

/** AWS: "DB subnet groups must contain at least one subnet in at least two AZs in the AWS Region". */
const ZONES_MIN = 2

/** The group of this name, stored or default. Throws DBSubnetGroupNotFoundFault. */
export async function requireSubnetGroup(control: Control, scope: Scope, name: string): Promise<SubnetGroupRecord> {
  const id = name.toLowerCase()
  const group = (await subnetGroups(control, scope).get(id))?.value ?? (await implicitSubnetGroup(control, scope, id))
  if (!group) throw notFound(name)
  return group
}

/** Stored groups and the default one. */
export async function listSubnetGroups(control: Control, scope: Scope): Promise<SubnetGroupRecord[]> {
  const stored = (await subnetGroups(control, scope).list()).map(({ value }) => value)
  if (stored.some(({ name }) => name === DEFAULT_SUBNET_GROUP)) return stored
  return [...stored, (await implicitSubnetGroup(control, scope, DEFAULT_SUBNET_GROUP))!]
}

export interface NewSubnetGroup {
  readonly name: string
  readonly description: string
  readonly subnetIds: readonly string[]
  readonly tags: readonly Tag[]
}

export async function createSubnetGroup(
  control: Control,
  scope: Scope,
  wanted: NewSubnetGroup,
): Promise<SubnetGroupRecord> {
  const name = requireName(wanted.name)
  if (wanted.description === '')
    throw invalidValue('The parameter DBSubnetGroupDescription must be provided and must not be blank.')
  const { vpcId, subnetIds } = await requireSubnets(control, scope, wanted.subnetIds)
  return transact(control, async () => {
    if (await subnetGroups(control, scope).get(name))
      throw fault(DBSubnetGroupAlreadyExistsFault, `The DB subnet group '${name}' already exists.`)
    await requireQuota(control, scope, 'DBSubnetGroups')
    const result = { name, description: wanted.description, vpcId, subnetIds, tags: wanted.tags }
    return { mutation: subnetGroups(control, scope).create(name, result), result }
  })
}

export interface SubnetGroupChange {
  readonly name: string
  readonly description: string | undefined
  readonly subnetIds: readonly string[]
}

/** The VPC of a group cannot change, since its instances are there. */
export async function modifySubnetGroup(
  control: Control,
  scope: Scope,
  change: SubnetGroupChange,
): Promise<SubnetGroupRecord> {
  const id = change.name.toLowerCase()
  if (id === DEFAULT_SUBNET_GROUP) throw invalidValue('The default DB subnet group cannot be modified.')
  const { vpcId, subnetIds } = await requireSubnets(control, scope, change.subnetIds)
  return transact(control, async () => {
    const held = await subnetGroups(control, scope).get(id)
    if (!held) throw notFound(change.name)
    if (held.value.vpcId !== vpcId)
      throw invalidValue('The new Subnets are not in the same Vpc as the existing subnet group')
    const result = { ...held.value, subnetIds, description: change.description ?? held.value.description }
    return { mutation: subnetGroups(control, scope).update(held, result), result }
  })
}

/** Throws InvalidDBSubnetGroupStateFault for the default group and for one that instances use. */
export async function deleteSubnetGroup(control: Control, scope: Scope, name: string): Promise<void> {
  const id = name.toLowerCase()
  if (id === DEFAULT_SUBNET_GROUP)
    throw fault(InvalidDBSubnetGroupStateFault, 'The default DB subnet group cannot be deleted.')
  await transact(control, async () => {
    const held = await subnetGroups(control, scope).get(id)
    if (!held) throw notFound(name)
    const user = (await dbInstances(control, scope).list()).find(({ value }) => value.settings.DBSubnetGroupName === id)
    if (user)
      throw fault(
        InvalidDBSubnetGroupStateFault,
        `Cannot delete the subnet group '${id}' because at least one database instance: ${user.value.id} is still using it.`,
      )
    const clusters = await auroraClusters(control, scope).list()
    const cluster = clusters.find(({ value }) => value.shared.DBSubnetGroupName === id)
    if (cluster)
      throw fault(
        InvalidDBSubnetGroupStateFault,
        `Cannot delete the subnet group '${id}' because at least one database cluster: ${cluster.value.id} is still using it.`,
      )
    return { mutation: subnetGroups(control, scope).remove(held), result: undefined }
  })
}

/** The group of this name as RDS shows it, in its own actions and within each instance. */
export async function describeSubnetGroup(control: Control, scope: Scope, name: string): Promise<DBSubnetGroup> {
  const group = await requireSubnetGroup(control, scope, name)
  const members = await subnets(control, scope, group.subnetIds)
  return {
    DBSubnetGroupName: group.name,
    DBSubnetGroupDescription: group.description,
    VpcId: group.vpcId,
    SubnetGroupStatus: 'Complete',
    Subnets: members.map(({ subnetId, availabilityZone }) => ({
      SubnetIdentifier: subnetId,
      SubnetAvailabilityZone: { Name: availabilityZone },
      SubnetOutpost: {},
      SubnetStatus: 'Active',
    })),
    DBSubnetGroupArn: rdsArn(scope, 'subgrp', group.name),
    SupportedNetworkTypes: ['IPV4'],
  }
}

/** The subnets as a group can have them: known, in one VPC, in enough zones. */
async function requireSubnets(
  control: Control,
  scope: Scope,
  wanted: readonly string[],
): Promise<{ vpcId: string; subnetIds: string[] }> {
  const subnetIds = [...new Set(wanted)]
  const [first] = subnetIds
  if (first === undefined) throw invalidValue('The parameter SubnetIds must be provided and must not be blank.')
  if (subnetIds.length > SUBNETS_PER_GROUP_MAX)
    throw fault(DBSubnetQuotaExceededFault, `A DB subnet group can have at most ${SUBNETS_PER_GROUP_MAX} subnets.`)
  const found = await subnets(control, scope, subnetIds)
  const unknown = subnetIds.filter((id) => !found.some(({ subnetId }) => subnetId === id))
  if (unknown.length > 0) throw fault(InvalidSubnet, `Some input subnets in :[${unknown.join(', ')}] are invalid.`)
  const vpcIds = new Set(found.map(({ vpcId }) => vpcId))
  if (vpcIds.size > 1) throw fault(InvalidSubnet, 'The subnets of a DB subnet group must all be in the same VPC.')
  const zones = new Set(found.map(({ availabilityZone }) => availabilityZone))
  if (zones.size < ZONES_MIN)
    throw fault(
      DBSubnetGroupDoesNotCoverEnoughAZs,
      `The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: ${[...zones].join(', ')}. Add subnets to cover at least ${ZONES_MIN} AZs.`,
    )
  return { vpcId: found[0]!.vpcId, subnetIds }
}

/** AWS: CreateDBSubnetGroup, DBSubnetGroupName, Constraints. */
function requireName(name: string): string {
  if (!/^[a-z0-9 ._-]{1,255}$/i.test(name))
    throw invalidValue(
      `The parameter DBSubnetGroupName must be provided and must have at most 255 letters, numbers, periods, underscores, spaces, or hyphens: ${name}`,
    )
  if (name.toLowerCase() === DEFAULT_SUBNET_GROUP)
    throw invalidValue('The name of a DB subnet group must not be Default.')
  return name.toLowerCase()
}

const notFound = (name: string): Error => fault(DBSubnetGroupNotFoundFault, `DB subnet group '${name}' does not exist.`)
