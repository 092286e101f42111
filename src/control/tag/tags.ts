/** Tags: the rules they must keep, and the resources that can carry them. */
import {
  DBClusterEndpointNotFoundFault,
  DBClusterSnapshotNotFoundFault,
  DBSnapshotNotFoundFault,
  DBSubnetGroupNotFoundFault,
  OptionGroupNotFoundFault,
} from '@aws-sdk/client-rds'
import type { Tag as GivenTag } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { Collection, Mutation } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import type { ParsedRdsArn, RdsArnType } from '../arn.ts'
import { auroraClusters, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { clusterNotFound } from '../db-cluster/faults.ts'
import { dbClusters } from '../db-cluster/record.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { instanceNotFound, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Tag } from '../db-instance/record.ts'
import { dbSnapshots } from '../db-snapshot/record.ts'
import { globalNotFound } from '../global-cluster/faults.ts'
import { globalClusters } from '../global-cluster/record.ts'
import { implicitOptionGroup, optionGroups } from '../option-group/record.ts'
import { implicitParameterGroup, parameterGroupNotFound, parameterGroups } from '../parameter-group/record.ts'
import { implicitSubnetGroup, subnetGroups } from '../subnet-group/record.ts'

/** AWS: RDS User Guide, "Tagging Amazon RDS resources". */
const TAGS_MAX = 50
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

interface Tagged {
  readonly tags: readonly Tag[]
}

/** What carries tags now, and the write that gives it others. */
interface Found extends Tagged {
  readonly write: (tags: readonly Tag[]) => Mutation
}

type Find = (control: Control, scope: Scope, id: string) => Promise<Found | undefined>

interface Taggable {
  readonly find: Find
  readonly notFound: (id: string) => Error
}

/** Those of a collection. `implicit`: what is there without being stored; tagging it stores it. */
const stored =
  <T extends Tagged>(
    records: (control: Pick<Control, 'store'>, scope: Scope) => Collection<T>,
    implicit?: (control: Control, scope: Scope, id: string) => Promise<T | undefined>,
  ): Find =>
  async (control, scope, id) => {
    const collection = records(control, scope)
    const held = await collection.get(id)
    if (held) return { tags: held.value.tags, write: (tags) => collection.update(held, { ...held.value, tags }) }
    const absent = await implicit?.(control, scope, id)
    return absent && { tags: absent.tags, write: (tags) => collection.create(id, { ...absent, tags }) }
  }

const findCluster: Find = async (control, scope, id) =>
  (await stored(dbClusters)(control, scope, id)) ?? stored(auroraClusters)(control, scope, id)

/** Custom endpoints are in the records of their clusters. */
const findEndpoint: Find = async (control, scope, id) => {
  const collection = auroraClusters(control, scope)
  for (const held of await collection.list()) {
    const { endpoints } = held.value
    const endpoint = endpoints.find((one) => one.id === id)
    if (!endpoint) continue
    const withTags = (tags: readonly Tag[]): AuroraClusterRecord => ({
      ...held.value,
      endpoints: endpoints.map((one) => (one === endpoint ? { ...one, tags } : one)),
    })
    return { tags: endpoint.tags, write: (tags) => collection.update(held, withTags(tags)) }
  }
  return undefined
}

const taggable: Partial<Record<RdsArnType, Taggable>> = {
  db: { find: stored(dbInstances), notFound: instanceNotFound },
  cluster: { find: findCluster, notFound: clusterNotFound },
  'cluster-endpoint': {
    find: findEndpoint,
    notFound: (id) => fault(DBClusterEndpointNotFoundFault, `DBClusterEndpoint ${id} not found.`),
  },
  'global-cluster': { find: stored(globalClusters), notFound: globalNotFound },
  snapshot: {
    find: stored(dbSnapshots),
    notFound: (id) => fault(DBSnapshotNotFoundFault, `DBSnapshot ${id} not found.`),
  },
  'cluster-snapshot': {
    find: stored(dbClusterSnapshots),
    notFound: (id) => fault(DBClusterSnapshotNotFoundFault, `DBClusterSnapshot not found: ${id}`),
  },
  pg: {
    find: stored(
      (control, scope) => parameterGroups(control, scope),
      async (_control, _scope, id) => implicitParameterGroup(id),
    ),
    notFound: parameterGroupNotFound,
  },
  'cluster-pg': {
    find: stored(
      (control, scope) => parameterGroups(control, scope, 'cluster'),
      async (_control, _scope, id) => implicitParameterGroup(id, 'cluster'),
    ),
    notFound: parameterGroupNotFound,
  },
  subgrp: {
    find: stored(subnetGroups, implicitSubnetGroup),
    notFound: (id) => fault(DBSubnetGroupNotFoundFault, `DB subnet group '${id}' does not exist.`),
  },
  og: {
    find: stored(optionGroups, async (_control, _scope, id) => implicitOptionGroup(id)),
    notFound: (id) => fault(OptionGroupNotFoundFault, `Specified OptionGroupName: ${id} not found.`),
  },
}

/** The tags, checked and in the order of their keys, as RDS gives them back. Throws InvalidParameterValue. */
export function checkTags(given: readonly GivenTag[]): readonly Tag[] {
  const tags = given.map(({ Key = '', Value = '' }) => ({ Key, Value }))
  for (const tag of tags) checkTag(tag)
  if (new Set(tags.map((tag) => tag.Key)).size < tags.length) throw invalidValue('Tag keys must be unique.')
  return checkCount(sorted(tags))
}

/** Those that were asked for, and of what it is made of those under other keys. */
export const withInherited = (asked: readonly Tag[], inherited: readonly Tag[]): Tag[] => [
  ...inherited.filter(({ Key }) => !asked.some((own) => own.Key === Key)),
  ...asked,
]

export async function listTags(control: Control, scope: Scope, arn: string): Promise<readonly Tag[]> {
  const { kind, id } = locate(scope, arn)
  const found = await kind.find(control, scope, id)
  if (!found) throw kind.notFound(id)
  return found.tags
}

export async function addTags(
  control: Control,
  scope: Scope,
  { arn, tags: given }: { readonly arn: string; readonly tags: readonly GivenTag[] },
): Promise<void> {
  const added = checkTags(given)
  await changeTags(control, locate(scope, arn), (tags) => {
    const kept = tags.filter((tag) => !added.some(({ Key }) => Key === tag.Key))
    return checkCount(sorted([...kept, ...added]))
  })
}

/** Keys that are not there are passed over, as RDS does. */
export async function removeTags(
  control: Control,
  scope: Scope,
  { arn, keys }: { readonly arn: string; readonly keys: readonly string[] },
): Promise<void> {
  await changeTags(control, locate(scope, arn), (tags) => tags.filter((tag) => !keys.includes(tag.Key)))
}

async function changeTags(
  control: Control,
  { kind, scope, id }: Located,
  change: (tags: readonly Tag[]) => readonly Tag[],
): Promise<void> {
  await transact(control, async () => {
    const found = await kind.find(control, scope, id)
    if (!found) throw kind.notFound(id)
    return { mutation: found.write(change(found.tags)), result: undefined }
  })
}

interface Located {
  readonly kind: Taggable
  readonly scope: Scope
  readonly id: string
}

function locate(scope: Scope, arn: string): Located {
  const parsed: ParsedRdsArn | undefined = parseRdsArn(arn)
  if (!parsed) throw invalidValue(`Invalid resource name: ${arn}`)
  const kind = taggable[parsed.type]
  // A global cluster's name has no region, and is the same from every one.
  const region = parsed.type === 'global-cluster' ? '' : scope.region
  if (!kind || parsed.account !== scope.account || parsed.region !== region)
    throw invalidValue('The specified resource name does not match an RDS resource in this region.')
  return { kind, scope, id: parsed.id.toLowerCase() }
}

function checkTag({ Key, Value }: Tag): void {
  if (Key.length < 1 || Key.length > KEY_LENGTH_MAX)
    throw invalidValue(`A tag key must have from 1 to ${KEY_LENGTH_MAX} characters.`)
  if (Value.length > VALUE_LENGTH_MAX)
    throw invalidValue(`A tag value must have at most ${VALUE_LENGTH_MAX} characters.`)
  if (/^(aws|rds):/i.test(Key)) throw invalidValue(`Tag keys that start with aws: or rds: are reserved: ${Key}`)
  if (!ALLOWED.test(Key) || !ALLOWED.test(Value))
    throw invalidValue(`A tag may only have letters, digits, spaces and _.:/=+-@: ${Key}`)
}

function checkCount(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > TAGS_MAX) throw invalidCombination(`A resource can have at most ${TAGS_MAX} tags.`)
  return tags
}

function sorted(tags: readonly Tag[]): readonly Tag[] {
  return tags.toSorted((a, b) => (a.Key < b.Key ? -1 : 1))
}
