/** DB subnet groups as the store holds them. */
import { Collection } from '#store/collection.ts'
import { prefixOf } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import type { Tag } from '../db-instance/record.ts'
import { defaultNetwork } from '../network/network.ts'

export interface SubnetGroupRecord {
  readonly name: string
  readonly description: string
  readonly vpcId: string
  readonly subnetIds: readonly string[]
  readonly tags: readonly Tag[]
}

/** The group that is there without being stored: all subnets of the default VPC. */
export const DEFAULT_SUBNET_GROUP = 'default'

export const subnetGroups = (control: Pick<Control, 'store'>, scope: Scope): Collection<SubnetGroupRecord> =>
  new Collection(control.store, prefixOf(scope, 'subnet-group'))

/** The default group, if this is its name. */
export async function implicitSubnetGroup(
  control: Control,
  scope: Scope,
  name: string,
): Promise<SubnetGroupRecord | undefined> {
  if (name !== DEFAULT_SUBNET_GROUP) return undefined
  const { vpcId, subnetIds } = await defaultNetwork(control, scope)
  return { name, description: DEFAULT_SUBNET_GROUP, vpcId, subnetIds, tags: [] }
}
