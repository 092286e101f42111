/** Tags on VPCs, subnets, security groups and their rules. */
import type { Tag } from '@aws-sdk/client-ec2'
import { together, type Collection, type Mutation } from '#store/collection.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import { transact, type Scope } from '../control.ts'
import { groupNotFound, invalidValue, ruleNotFound, subnetNotFound, vpcNotFound } from './faults.ts'
import { TAGS_MAX } from './limits.ts'
import { defaultNetwork, securityGroups, subnets, vpcs, type NetworkControl } from './network.ts'
import { securityGroupRecords, subnetRecords, vpcRecords } from './record.ts'
import type { NetworkTag, SecurityGroupRecord } from './record.ts'

/** AWS: Amazon EC2 User Guide, "Tag restrictions". */
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

export interface TagDescription extends NetworkTag {
  readonly resourceId: string
  readonly resourceType: 'vpc' | 'subnet' | 'security-group' | 'security-group-rule'
}

type Change = (tags: readonly NetworkTag[]) => readonly NetworkTag[]

/** Tags as given at creation or to CreateTags. Throws InvalidParameterValue. */
export function checkNetworkTags(given: readonly Tag[]): NetworkTag[] {
  const tags = given.map(({ Key = '', Value = '' }) => ({ Key, Value }))
  for (const { Key, Value } of tags) {
    if (Key === '') throw invalidValue('Tag keys cannot be empty')
    if (Key.length > KEY_LENGTH_MAX)
      throw invalidValue(`Tag key exceeds the maximum length of ${KEY_LENGTH_MAX} characters`)
    if (Value.length > VALUE_LENGTH_MAX)
      throw invalidValue(`Tag value exceeds the maximum length of ${VALUE_LENGTH_MAX} characters`)
    if (/^aws:/i.test(Key)) throw invalidValue("Tag keys starting with 'aws:' are reserved for internal use")
  }
  if (new Set(tags.map((t) => t.Key)).size < tags.length) throw invalidValue('Duplicate tag keys are not allowed')
  if (tags.length > TAGS_MAX) throw tooMany()
  return tags
}

/** All of the resources get the tags, or none. */
export async function createTags(
  control: NetworkControl,
  scope: Scope,
  { ids, tags: given }: { readonly ids: readonly string[]; readonly tags: readonly Tag[] },
): Promise<void> {
  const added = checkNetworkTags(given)
  await changeTags(control, scope, ids, (tags) => {
    const all = [...tags.filter((tag) => !added.some(({ Key }) => Key === tag.Key)), ...added]
    if (all.length > TAGS_MAX) throw tooMany()
    return all
  })
}

/** Without tags: all of them. A tag with a value goes only if it has that value. */
export async function deleteTags(
  control: NetworkControl,
  scope: Scope,
  { ids, tags: given }: { readonly ids: readonly string[]; readonly tags: readonly Tag[] },
): Promise<void> {
  const isMeant = (tag: NetworkTag): boolean =>
    given.length === 0 || given.some((g) => g.Key === tag.Key && (g.Value === undefined || g.Value === tag.Value))
  await changeTags(control, scope, ids, (tags) => tags.filter((tag) => !isMeant(tag)))
}

export async function listTags(control: NetworkControl, scope: Scope): Promise<TagDescription[]> {
  const describe = (resourceType: TagDescription['resourceType'], resourceId: string, tags: readonly NetworkTag[]) =>
    tags.map((tag) => ({ ...tag, resourceId, resourceType }))
  const groups = await securityGroups(control, scope)
  return [
    ...(await vpcs(control, scope)).flatMap((vpc) => describe('vpc', vpc.vpcId, vpc.tags)),
    ...(await subnets(control, scope)).flatMap((subnet) => describe('subnet', subnet.subnetId, subnet.tags)),
    ...groups.flatMap((group) => describe('security-group', group.groupId, group.tags)),
    ...groups.flatMap((g) => g.rules.flatMap((rule) => describe('security-group-rule', rule.ruleId, rule.tags))),
  ]
}

async function changeTags(
  control: NetworkControl,
  scope: Scope,
  ids: readonly string[],
  change: Change,
): Promise<void> {
  await defaultNetwork(control, scope)
  await transact(control, async () => {
    const unique = [...new Set(ids)]
    const inGroups = unique.filter((id) => /^sgr?-/.test(id))
    const others = unique.filter((id) => !inGroups.includes(id))
    const writes = await Promise.all(others.map((id) => changeOne(control, scope, id, change)))
    return { mutation: together(...writes, await changeInGroups(control, scope, inGroups, change)), result: undefined }
  })
}

async function changeOne(control: NetworkControl, scope: Scope, id: string, change: Change): Promise<Mutation> {
  if (id.startsWith('vpc-')) return retag(vpcRecords(control, scope), id, change, vpcNotFound)
  if (id.startsWith('subnet-')) return retag(subnetRecords(control, scope), id, change, subnetNotFound)
  throw new AwsFault('InvalidID', `The ID '${id}' is not valid`)
}

async function retag<T extends { readonly tags: readonly NetworkTag[] }>(
  records: Collection<T>,
  ...[id, change, notFound]: [string, Change, (id: string) => AwsFault]
): Promise<Mutation> {
  const held = await records.get(id)
  if (!held) throw notFound(id)
  return records.update(held, { ...held.value, tags: change(held.value.tags) })
}

/** Rules live within their groups: a group and its rules are one record, and get one write. */
async function changeInGroups(
  control: NetworkControl,
  scope: Scope,
  ids: readonly string[],
  change: Change,
): Promise<Mutation> {
  const records = securityGroupRecords(control, scope)
  const groups = ids.length > 0 ? await records.list() : []
  const idsIn = (group: SecurityGroupRecord): string[] => [group.groupId, ...group.rules.map((rule) => rule.ruleId)]
  const known = new Set(groups.flatMap(({ value }) => idsIn(value)))
  const unknown = ids.find((id) => !known.has(id))
  if (unknown !== undefined) throw unknown.startsWith('sgr-') ? ruleNotFound(unknown) : groupNotFound(unknown)
  const changed = (group: SecurityGroupRecord): SecurityGroupRecord => ({
    ...group,
    tags: ids.includes(group.groupId) ? change(group.tags) : group.tags,
    rules: group.rules.map((rule) => (ids.includes(rule.ruleId) ? { ...rule, tags: change(rule.tags) } : rule)),
  })
  const touched = groups.filter(({ value }) => idsIn(value).some((id) => ids.includes(id)))
  return together(...touched.map((held) => records.update(held, changed(held.value))))
}

const tooMany = (): AwsFault =>
  new AwsFault('TagLimitExceeded', `The maximum number of Tags for a resource is ${TAGS_MAX}`)
