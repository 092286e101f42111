/** Tags: the rules they must keep, and the resources that can carry them. */
import {
  DBClusterSnapshotNotFoundFault,
  DBSnapshotNotFoundFault,
  DBSubnetGroupNotFoundFault,
  OptionGroupNotFoundFault,
} from '@aws-sdk/client-rds'
import type { Tag as GivenTag } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { Collection, Held } from '#store/collection.ts'
import { parseRdsArn } from '../arn.ts'
import type { ParsedRdsArn, RdsArnType } from '../arn.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { clusterNotFound } from '../db-cluster/faults.ts'
import { dbClusters } from '../db-cluster/record.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { instanceNotFound, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Tag } from '../db-instance/record.ts'
import { dbSnapshots } from '../db-snapshot/record.ts'
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

interface Taggable {
  readonly records: (control: Pick<Control, 'store'>, scope: Scope) => Collection<Tagged>
  readonly notFound: (id: string) => Error
  /** A group that is there without being stored; tagging it stores it. */
  readonly implicit?: (control: Control, scope: Scope, id: string) => Promise<Tagged | undefined>
}

/** Widens a collection to what tags need of it. Its records are only ever written back with other tags. */
const asTagged = <T extends Tagged>(collection: Collection<T>): Collection<Tagged> =>
  collection as unknown as Collection<Tagged>

const taggable: Partial<Record<RdsArnType, Taggable>> = {
  db: {
    records: (control, scope) => asTagged(dbInstances(control, scope)),
    notFound: instanceNotFound,
  },
  cluster: {
    records: (control, scope) => asTagged(dbClusters(control, scope)),
    notFound: clusterNotFound,
  },
  snapshot: {
    records: (control, scope) => asTagged(dbSnapshots(control, scope)),
    notFound: (id) => fault(DBSnapshotNotFoundFault, `DBSnapshot ${id} not found.`),
  },
  'cluster-snapshot': {
    records: (control, scope) => asTagged(dbClusterSnapshots(control, scope)),
    notFound: (id) => fault(DBClusterSnapshotNotFoundFault, `DBClusterSnapshot not found: ${id}`),
  },
  pg: {
    records: (control, scope) => asTagged(parameterGroups(control, scope)),
    notFound: parameterGroupNotFound,
    implicit: async (_control, _scope, id) => implicitParameterGroup(id),
  },
  'cluster-pg': {
    records: (control, scope) => asTagged(parameterGroups(control, scope, 'cluster')),
    notFound: parameterGroupNotFound,
    implicit: async (_control, _scope, id) => implicitParameterGroup(id, 'cluster'),
  },
  subgrp: {
    records: (control, scope) => asTagged(subnetGroups(control, scope)),
    notFound: (id) => fault(DBSubnetGroupNotFoundFault, `DB subnet group '${id}' does not exist.`),
    implicit: implicitSubnetGroup,
  },
  og: {
    records: (control, scope) => asTagged(optionGroups(control, scope)),
    notFound: (id) => fault(OptionGroupNotFoundFault, `Specified OptionGroupName: ${id} not found.`),
    implicit: async (_control, _scope, id) => implicitOptionGroup(id),
  },
}

/** The tags, checked and in the order of their keys, as RDS gives them back. Throws InvalidParameterValue. */
export function checkTags(given: readonly GivenTag[]): readonly Tag[] {
  const tags = given.map(({ Key = '', Value = '' }) => ({ Key, Value }))
  for (const tag of tags) checkTag(tag)
  if (new Set(tags.map((tag) => tag.Key)).size < tags.length) throw invalidValue('Tag keys must be unique.')
  return checkCount(sorted(tags))
}

export async function listTags(control: Control, scope: Scope, arn: string): Promise<readonly Tag[]> {
  const { kind, id } = locate(scope, arn)
  const held = await kind.records(control, scope).get(id)
  const record = held?.value ?? (await kind.implicit?.(control, scope, id))
  if (!record) throw kind.notFound(id)
  return record.tags
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
    const records = kind.records(control, scope)
    const held: Held<Tagged> | undefined = await records.get(id)
    if (held)
      return { mutation: records.update(held, { ...held.value, tags: change(held.value.tags) }), result: undefined }
    const implicit = await kind.implicit?.(control, scope, id)
    if (!implicit) throw kind.notFound(id)
    return { mutation: records.create(id, { ...implicit, tags: change(implicit.tags) }), result: undefined }
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
  if (!kind || parsed.account !== scope.account || parsed.region !== scope.region)
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
