/** Which VPC security groups a DB instance is in. */
import { InvalidVPCNetworkStateFault } from '@aws-sdk/client-rds'
import { AwsFault, fault } from '#wire/aws/faults.ts'
import type { Scope } from '../control.ts'
import { DEFAULT_GROUP_NAME } from './default-group.ts'
import { securityGroups, type NetworkControl } from './network.ts'

/** The ids that were asked for, checked; the VPC's default group where none were. */
export async function resolveVpcSecurityGroups(
  control: NetworkControl,
  scope: Scope,
  asked: readonly string[] | undefined,
  vpcId: string,
): Promise<readonly string[]> {
  if (!asked?.length) {
    const inVpc = (await securityGroups(control, scope)).filter((group) => group.vpcId === vpcId)
    return inVpc.filter((group) => group.groupName === DEFAULT_GROUP_NAME).map((group) => group.groupId)
  }
  const known = new Map((await securityGroups(control, scope, asked)).map((group) => [group.groupId, group]))
  for (const id of asked) {
    const group = known.get(id)
    if (!group) throw new AwsFault('InvalidParameterValue', `Invalid security group , groupId= ${id}, groupName=.`)
    if (group.vpcId !== vpcId)
      throw fault(
        InvalidVPCNetworkStateFault,
        `The DB instance and EC2 security group are in different VPCs. The DB instance is in ${vpcId} and the EC2 security group is in ${group.vpcId}`,
      )
  }
  return [...new Set(asked)]
}
