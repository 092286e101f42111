/** Rules of security groups. */
import type { IpPermission, Tag } from '@aws-sdk/client-ec2'
import { AwsFault } from '#wire/aws/faults.ts'
import { NOTHING, together, type Held } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { reloadLateMembers, reloadMembers } from '../db-instance/reload.ts'
import { allowAllOut, DEFAULT_GROUP_NAME } from './default-group.ts'
import { dependencyViolation, groupNotFound, invalidValue, limitExceeded, ruleNotFound, vpcNotFound } from './faults.ts'
import { SECURITY_GROUPS_MAX } from './limits.ts'
import { defaultNetwork, securityGroups, vpcs, type NetworkControl } from './network.ts'
import { newNetworkId, securityGroupRecords, type SecurityGroupRecord, type SecurityRule } from './record.ts'
import { addRules, readPermissions, revokeRules } from './security-rules.ts'
import { checkNetworkTags } from './tags.ts'
import { isGroupUsed } from './usage.ts'

/** AWS: CreateSecurityGroup, GroupName and Description, for a VPC. */
const ALLOWED = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/

export interface NewSecurityGroup {
  readonly groupName: string
  readonly description: string
  /** Undefined: the default VPC. */
  readonly vpcId: string | undefined
  readonly tags: readonly Tag[]
}

export async function createSecurityGroup(
  control: NetworkControl,
  scope: Scope,
  wanted: NewSecurityGroup,
): Promise<SecurityGroupRecord> {
  checkNames(wanted)
  const tags = checkNetworkTags(wanted.tags)
  const vpcId = wanted.vpcId ?? (await defaultNetwork(control, scope)).vpcId
  return transact(control, async () => {
    if ((await vpcs(control, scope, [vpcId])).length === 0) throw vpcNotFound(vpcId)
    const all = await securityGroups(control, scope)
    if (all.length >= SECURITY_GROUPS_MAX) throw limitExceeded('SecurityGroup', SECURITY_GROUPS_MAX)
    if (all.some((group) => group.vpcId === vpcId && group.groupName === wanted.groupName))
      throw new AwsFault(
        'InvalidGroup.Duplicate',
        `The security group '${wanted.groupName}' already exists for VPC '${vpcId}'`,
      )
    const result: SecurityGroupRecord = {
      groupId: newNetworkId('sg', control.random),
      vpcId,
      groupName: wanted.groupName,
      description: wanted.description,
      rules: [allowAllOut(control.random)],
      tags,
    }
    return { mutation: securityGroupRecords(control, scope).create(result.groupId, result), result }
  })
}

export async function deleteSecurityGroup(control: NetworkControl, scope: Scope, groupId: string): Promise<void> {
  await transact(control, async () => {
    const held = await requireGroup(control, scope, groupId)
    if (held.value.groupName === DEFAULT_GROUP_NAME)
      throw new AwsFault(
        'CannotDelete',
        `the specified group: "${groupId}" name: "default" cannot be deleted by a user`,
      )
    const isReferenced = (await securityGroups(control, scope)).some(
      (group) => group.groupId !== groupId && group.rules.some((rule) => rule.peer.value === groupId),
    )
    if (isReferenced || (await isGroupUsed(control, scope, groupId)))
      throw dependencyViolation(`resource ${groupId} has a dependent object`)
    return { mutation: securityGroupRecords(control, scope).remove(held), result: undefined }
  })
}

export interface Authorization {
  readonly groupId: string
  readonly isEgress: boolean
  readonly permissions: readonly IpPermission[]
  readonly tags: readonly Tag[]
}

/** The rules that were added. */
export async function authorize(control: Control, scope: Scope, wanted: Authorization): Promise<SecurityRule[]> {
  const terms = readPermissions(wanted.permissions, wanted.isEgress)
  const tags = checkNetworkTags(wanted.tags)
  await requirePeers(
    control,
    scope,
    terms.flatMap(({ peer }) => (peer.kind === 'group' ? [peer.value] : [])),
  )
  return changeRules(control, scope, wanted, (before) => {
    const changed = terms.map((t) => ({ ...t, ruleId: newNetworkId('sgr', control.random), tags }))
    return { rules: addRules(before, changed), changed }
  })
}

export interface Revocation {
  readonly groupId: string
  readonly isEgress: boolean
  readonly permissions: readonly IpPermission[]
  readonly ruleIds: readonly string[]
}

/** The rules that were taken away. */
export async function revoke(control: Control, scope: Scope, wanted: Revocation): Promise<SecurityRule[]> {
  const terms = readPermissions(wanted.permissions, wanted.isEgress)
  return changeRules(control, scope, wanted, (before) => {
    const unknown = wanted.ruleIds.find((id) => !before.some((r) => r.ruleId === id && r.isEgress === wanted.isEgress))
    if (unknown !== undefined) throw ruleNotFound(unknown)
    const rules = revokeRules(before, terms).filter((rule) => !wanted.ruleIds.includes(rule.ruleId))
    return { rules, changed: before.filter((rule) => !rules.includes(rule)) }
  })
}

type RuleChange = (before: readonly SecurityRule[]) => {
  readonly rules: readonly SecurityRule[]
  readonly changed: SecurityRule[]
}

/** Rules of what may come in reach the engines of the members by flows that start in the same transaction. */
async function changeRules(
  control: Control,
  scope: Scope,
  { groupId, isEgress }: Pick<Authorization, 'groupId' | 'isEgress'>,
  decide: RuleChange,
): Promise<SecurityRule[]> {
  const { changed, members } = await transact(control, async () => {
    const held = await requireGroup(control, scope, groupId)
    const { rules, changed } = decide(held.value.rules)
    const members = isEgress ? undefined : await reloadMembers(control, scope, groupId)
    const update = securityGroupRecords(control, scope).update(held, { ...held.value, rules })
    return { mutation: together(update, members?.writes ?? NOTHING), result: { changed, members } }
  })
  if (members) await reloadLateMembers(control, scope, groupId, members)
  return changed
}

async function requireGroup(
  control: NetworkControl,
  scope: Scope,
  groupId: string,
): Promise<Held<SecurityGroupRecord>> {
  await defaultNetwork(control, scope)
  const held = await securityGroupRecords(control, scope).get(groupId)
  if (!held) throw groupNotFound(groupId)
  return held
}

/** Groups that rules let through must be there. */
async function requirePeers(control: NetworkControl, scope: Scope, ids: readonly string[]): Promise<void> {
  const found = new Set((await securityGroups(control, scope, ids)).map((group) => group.groupId))
  const unknown = ids.find((id) => !found.has(id))
  if (unknown !== undefined) throw groupNotFound(unknown)
}

function checkNames({ groupName, description }: NewSecurityGroup): void {
  if (!ALLOWED.test(groupName))
    throw invalidValue(
      `Value (${groupName}) for parameter GroupName is invalid. Character sets beyond ASCII are not supported.`,
    )
  if (groupName.startsWith('sg-'))
    throw invalidValue(`Value (${groupName}) for parameter GroupName is invalid. It may not begin with sg-.`)
  if (groupName === DEFAULT_GROUP_NAME) throw invalidValue('Cannot use reserved security group name: default')
  if (!ALLOWED.test(description))
    throw invalidValue(
      `Value (${description}) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.`,
    )
}
