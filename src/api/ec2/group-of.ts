/** The security group that a request means, and the permissions it speaks of, in whichever way it says so. */
import type { AuthorizeSecurityGroupIngressRequest, IpPermission } from '@aws-sdk/client-ec2'
import { groupNotFound, missingParameter } from '#control/network/faults.ts'
import { defaultNetwork, securityGroups } from '#control/network/network.ts'
import type { RequestContext } from '../handler.ts'

/** By id, or by its name in the default VPC. */
export async function groupIdOf(
  context: RequestContext,
  { GroupId, GroupName }: { readonly GroupId?: string | undefined; readonly GroupName?: string | undefined },
): Promise<string> {
  if (GroupId !== undefined) return GroupId
  if (GroupName === undefined) throw missingParameter('groupName or groupId')
  const { vpcId } = await defaultNetwork(context.control, context)
  const groups = await securityGroups(context.control, context)
  const group = groups.find((g) => g.vpcId === vpcId && g.groupName === GroupName)
  if (!group) throw groupNotFound(GroupName)
  return group.groupId
}

/**
 * IpPermissions, or the one permission that the request's own members spell. Groups that are named there or in a
 * permission by their name become ids.
 */
export async function permissionsOf(
  context: RequestContext,
  input: Omit<AuthorizeSecurityGroupIngressRequest, 'DryRun'>,
): Promise<IpPermission[]> {
  const own: IpPermission = {
    IpProtocol: input.IpProtocol,
    FromPort: input.FromPort,
    ToPort: input.ToPort,
    ...(input.CidrIp !== undefined && { IpRanges: [{ CidrIp: input.CidrIp }] }),
    ...(input.SourceSecurityGroupName !== undefined && {
      UserIdGroupPairs: [{ GroupName: input.SourceSecurityGroupName }],
    }),
  }
  const given = input.IpPermissions ?? (input.IpProtocol === undefined ? [] : [own])
  return Promise.all(
    given.map(async (permission) => ({
      ...permission,
      UserIdGroupPairs: await Promise.all(
        (permission.UserIdGroupPairs ?? []).map(async (pair) => ({ ...pair, GroupId: await groupIdOf(context, pair) })),
      ),
    })),
  )
}
