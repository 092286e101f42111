/** What in other services stands in the way of deleting a part of the network. */
import type { Control, Scope } from '../control.ts'
import { dbInstances } from '../db-instance/record.ts'
import { subnetGroups } from '../subnet-group/record.ts'

/** Whether a DB instance is a member of the security group. */
export async function isGroupUsed(control: Pick<Control, 'store'>, scope: Scope, groupId: string): Promise<boolean> {
  const instances = await dbInstances(control, scope).list()
  return instances.some(({ value }) => value.settings.VpcSecurityGroupIds.includes(groupId))
}

/** Whether a DB subnet group holds the subnet. */
export async function isSubnetUsed(control: Pick<Control, 'store'>, scope: Scope, subnetId: string): Promise<boolean> {
  const groups = await subnetGroups(control, scope).list()
  return groups.some(({ value }) => value.subnetIds.includes(subnetId))
}
