/** What in other services stands in the way of deleting a part of the network. */
import { auroraClusters } from '../aurora-cluster/record.ts'
import type { Control, Scope } from '../control.ts'
import { dbInstances } from '../db-instance/record.ts'
import { subnetGroups } from '../subnet-group/record.ts'

/** Whether a DB instance is a member of the security group, or an Aurora cluster that may have no instance. */
export async function isGroupUsed(control: Pick<Control, 'store'>, scope: Scope, groupId: string): Promise<boolean> {
  const instances = await dbInstances(control, scope).list()
  if (instances.some(({ value }) => value.settings.VpcSecurityGroupIds.includes(groupId))) return true
  const clusters = await auroraClusters(control, scope).list()
  return clusters.some(({ value }) => value.shared.VpcSecurityGroupIds.includes(groupId))
}

/** Whether a DB subnet group holds the subnet. */
export async function isSubnetUsed(control: Pick<Control, 'store'>, scope: Scope, subnetId: string): Promise<boolean> {
  const groups = await subnetGroups(control, scope).list()
  return groups.some(({ value }) => value.subnetIds.includes(subnetId))
}
