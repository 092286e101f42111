import { invalidValue } from '#control/network/faults.ts'
import { defaultNetwork } from '#control/network/network.ts'
import type { Ec2Handler } from '../handler.ts'

export const DescribeAccountAttributes: Ec2Handler<'DescribeAccountAttributes'> = async (input, context) => {
  const { vpcId } = await defaultNetwork(context.control, context)
  // Nothing here starts instances, so the quotas of instances and addresses are zero.
  const attributes: Readonly<Record<string, string>> = {
    'supported-platforms': 'VPC',
    'default-vpc': vpcId,
    'max-instances': '0',
    'vpc-max-security-groups-per-interface': '5',
    'max-elastic-ips': '0',
    'vpc-max-elastic-ips': '0',
  }
  const asked = input.AttributeNames?.length ? input.AttributeNames : Object.keys(attributes)
  return {
    AccountAttributes: asked.map((AttributeName) => {
      const value = attributes[AttributeName]
      if (value === undefined) throw invalidValue(`Value (${AttributeName}) for parameter attributeName is invalid.`)
      return { AttributeName, AttributeValues: [{ AttributeValue: value }] }
    }),
  }
}
