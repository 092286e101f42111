import { invalidCombination, missingParameter } from '#control/network/faults.ts'
import { createSubnet } from '#control/network/subnet.ts'
import type { Ec2Handler } from '../handler.ts'
import { showSubnet, tagsFor } from './render.ts'

export const CreateSubnet: Ec2Handler<'CreateSubnet'> = async (input, context) => {
  if (input.Ipv6CidrBlock !== undefined || input.Ipv6Native || input.OutpostArn !== undefined)
    throw invalidCombination('A subnet here has one IPv4 block, given as CidrBlock.')
  if (input.CidrBlock === undefined) throw missingParameter('cidrBlock')
  const subnet = await createSubnet(context.control, context, {
    vpcId: input.VpcId,
    cidrBlock: input.CidrBlock,
    zone: input.AvailabilityZone ?? input.AvailabilityZoneId,
    tags: tagsFor('subnet', input.TagSpecifications),
  })
  return { Subnet: showSubnet(context, subnet) }
}
