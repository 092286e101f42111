import { invalidCombination, missingParameter } from '#control/network/faults.ts'
import { createVpc } from '#control/network/vpc.ts'
import type { Ec2Handler } from '../handler.ts'
import { showVpc, tagsFor } from './render.ts'

export const CreateVpc: Ec2Handler<'CreateVpc'> = async (input, context) => {
  if (input.AmazonProvidedIpv6CidrBlock || input.Ipv6CidrBlock !== undefined || input.Ipv4IpamPoolId !== undefined)
    throw invalidCombination('A VPC here has one IPv4 block, given as CidrBlock.')
  if (input.CidrBlock === undefined) throw missingParameter('cidrBlock')
  const vpc = await createVpc(context.control, context, {
    cidrBlock: input.CidrBlock,
    instanceTenancy: input.InstanceTenancy === 'dedicated' ? 'dedicated' : 'default',
    tags: tagsFor('vpc', input.TagSpecifications),
  })
  return { Vpc: showVpc(context, vpc) }
}
