import { vpcNotFound } from '#control/network/faults.ts'
import { vpcs } from '#control/network/network.ts'
import type { Ec2Handler } from '../handler.ts'

export const DescribeVpcAttribute: Ec2Handler<'DescribeVpcAttribute'> = async (input, context) => {
  const [vpc] = await vpcs(context.control, context, [input.VpcId])
  if (!vpc) throw vpcNotFound(input.VpcId)
  const VpcId = vpc.vpcId
  switch (input.Attribute) {
    case 'enableDnsSupport':
      return { VpcId, EnableDnsSupport: { Value: vpc.enableDnsSupport } }
    case 'enableDnsHostnames':
      return { VpcId, EnableDnsHostnames: { Value: vpc.enableDnsHostnames } }
    case 'enableNetworkAddressUsageMetrics':
      return { VpcId, EnableNetworkAddressUsageMetrics: { Value: vpc.enableNetworkAddressUsageMetrics } }
  }
}
