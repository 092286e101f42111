import { invalidCombination } from '#control/network/faults.ts'
import { modifySubnet } from '#control/network/subnet.ts'
import type { Ec2Handler } from '../handler.ts'

export const ModifySubnetAttribute: Ec2Handler<'ModifySubnetAttribute'> = async (input, context) => {
  const mapPublicIpOnLaunch = input.MapPublicIpOnLaunch?.Value
  if (mapPublicIpOnLaunch === undefined)
    throw invalidCombination('The attribute of a subnet that can be changed here is MapPublicIpOnLaunch.')
  await modifySubnet(context.control, context, { subnetId: input.SubnetId, mapPublicIpOnLaunch })
  return {}
}
