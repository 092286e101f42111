import { missingParameter } from '#control/network/faults.ts'
import { modifyVpc, type VpcAttributes } from '#control/network/vpc.ts'
import type { Ec2Handler } from '../handler.ts'

export const ModifyVpcAttribute: Ec2Handler<'ModifyVpcAttribute'> = async (input, context) => {
  const support = input.EnableDnsSupport?.Value
  const hostnames = input.EnableDnsHostnames?.Value
  const metrics = input.EnableNetworkAddressUsageMetrics?.Value
  const attributes: VpcAttributes = {
    ...(support !== undefined && { enableDnsSupport: support }),
    ...(hostnames !== undefined && { enableDnsHostnames: hostnames }),
    ...(metrics !== undefined && { enableNetworkAddressUsageMetrics: metrics }),
  }
  if (Object.keys(attributes).length === 0) throw missingParameter('attribute')
  await modifyVpc(context.control, context, { vpcId: input.VpcId, attributes })
  return {}
}
