/** The actions of EC2: the part of it that describes the network that databases are in. */
import type * as ec2 from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'
import { AuthorizeSecurityGroupEgress } from './authorize-security-group-egress.ts'
import { AuthorizeSecurityGroupIngress } from './authorize-security-group-ingress.ts'
import { CreateSecurityGroup } from './create-security-group.ts'
import { CreateSubnet } from './create-subnet.ts'
import { CreateTags } from './create-tags.ts'
import { CreateVpc } from './create-vpc.ts'
import { DeleteSecurityGroup } from './delete-security-group.ts'
import { DeleteSubnet } from './delete-subnet.ts'
import { DeleteTags } from './delete-tags.ts'
import { DeleteVpc } from './delete-vpc.ts'
import { DescribeAccountAttributes } from './describe-account-attributes.ts'
import { DescribeAvailabilityZones } from './describe-availability-zones.ts'
import { DescribeRegions } from './describe-regions.ts'
import { DescribeSecurityGroupRules } from './describe-security-group-rules.ts'
import { DescribeSecurityGroups } from './describe-security-groups.ts'
import { DescribeSubnets } from './describe-subnets.ts'
import { DescribeTags } from './describe-tags.ts'
import { DescribeVpcAttribute } from './describe-vpc-attribute.ts'
import { DescribeVpcs } from './describe-vpcs.ts'
import { ModifySubnetAttribute } from './modify-subnet-attribute.ts'
import { ModifyVpcAttribute } from './modify-vpc-attribute.ts'
import { RevokeSecurityGroupEgress } from './revoke-security-group-egress.ts'
import { RevokeSecurityGroupIngress } from './revoke-security-group-ingress.ts'

const actions = {
  AuthorizeSecurityGroupEgress,
  AuthorizeSecurityGroupIngress,
  CreateSecurityGroup,
  CreateSubnet,
  CreateTags,
  CreateVpc,
  DeleteSecurityGroup,
  DeleteSubnet,
  DeleteTags,
  DeleteVpc,
  DescribeAccountAttributes,
  DescribeAvailabilityZones,
  DescribeRegions,
  DescribeSecurityGroupRules,
  DescribeSecurityGroups,
  DescribeSubnets,
  DescribeTags,
  DescribeVpcAttribute,
  DescribeVpcs,
  ModifySubnetAttribute,
  ModifyVpcAttribute,
  RevokeSecurityGroupEgress,
  RevokeSecurityGroupIngress,
} satisfies Handlers<typeof ec2, RequestContext>

type Action = (input: never, context: RequestContext) => object | Promise<object>

/** DryRun asks whether the caller may do it. Here every caller that was let in may; whether it would work is not asked. */
function withDryRun(action: Action): Action {
  return (input: { readonly DryRun?: boolean }, context) => {
    if (input.DryRun) {
      throw new AwsFault('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412)
    }
    return action(input as never, context)
  }
}

export const ec2Handlers = Object.fromEntries(
  Object.entries(actions).map(([name, action]) => [name, withDryRun(action)]),
) as unknown as typeof actions
