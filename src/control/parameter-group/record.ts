/** Parameter groups as the store holds them, and the values that an engine gets from one. */
import { DBParameterGroupNotFoundFault } from '@aws-sdk/client-rds'
import { defaultParameterGroupName, parameterFamilies } from '#catalog/families.ts'
import { Collection } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { prefixOf } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import type { DbInstanceRecord, Tag } from '../db-instance/record.ts'

export interface ParameterGroupRecord {
  /** For the members of DB clusters; absent: for DB instances. Both have names of their own. */
  readonly kind?: 'cluster'
  readonly name: string
  readonly family: string
  readonly description: string
  /** What the user set, by parameter. */
  readonly values: Readonly<Record<string, UserValue>>
  /** Changes of dynamic parameters that were to wait for a reboot, oldest first. */
  readonly deferred: readonly DeferredChange[]
  readonly tags: readonly Tag[]
}

export interface UserValue {
  readonly value: string
  readonly applyMethod: ApplyMethod
}

export type ApplyMethod = 'immediate' | 'pending-reboot'

/** An engine that was started before `at` keeps the value `before` (undefined: the family's) until its next start. */
export interface DeferredChange {
  readonly parameter: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly before: string | undefined
}

export type GroupName = Pick<ParameterGroupRecord, 'kind' | 'name'>
export type GroupKind = ParameterGroupRecord['kind']

export const parameterGroups = (
  control: Pick<Control, 'store'>,
  scope: Scope,
  kind?: GroupKind,
): Collection<ParameterGroupRecord> =>
  new Collection(control.store, prefixOf(scope, kind === 'cluster' ? 'cluster-parameter-group' : 'parameter-group'))

/** The group whose values the instance's engine was last started with. Of a member of an Aurora cluster: its own group. */
export const appliedGroupOf = ({
  cluster,
  aurora,
  appliedParameterGroup: name,
}: Pick<DbInstanceRecord, 'cluster' | 'aurora' | 'appliedParameterGroup'>): GroupName =>
  cluster && !aurora ? { kind: 'cluster', name } : { name }

/** All groups whose values its engine was last started with. What a later one says holds. */
export const appliedGroupsOf = (
  record: Pick<DbInstanceRecord, 'cluster' | 'aurora' | 'appliedParameterGroup'>,
): GroupName[] => [
  ...(record.aurora ? [{ kind: 'cluster' as const, name: record.aurora.appliedClusterGroup }] : []),
  appliedGroupOf(record),
]

/** Whether the instance is associated with the group, or its engine has values of it. */
export const usesGroup = (record: DbInstanceRecord, { kind, name }: GroupName): boolean =>
  [...appliedGroupsOf(record), { ...appliedGroupOf(record), name: record.parameterGroup }].some(
    (group) => group.kind === kind && group.name === name,
  )

/** The default group of this name, which is there without being stored. */
export function implicitParameterGroup(name: string, kind?: GroupKind): ParameterGroupRecord | undefined {
  const family = parameterFamilies.find((candidate) => defaultParameterGroupName(candidate) === name)
  if (family === undefined) return undefined
  const description = kind === 'cluster' ? 'Default cluster parameter group' : 'Default parameter group'
  return {
    ...(kind && { kind }),
    name,
    family,
    description: `${description} for ${family}`,
    values: {},
    deferred: [],
    tags: [],
  }
}

export const parameterGroupNotFound = (name: string): Error =>
  fault(DBParameterGroupNotFoundFault, `DBParameterGroup not found: ${name}`)

/** The group of this name, stored or default. Throws DBParameterGroupNotFoundFault. */
export async function requireParameterGroup(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { kind, name }: GroupName,
): Promise<ParameterGroupRecord> {
  const id = name.toLowerCase()
  const group = (await parameterGroups(control, scope, kind).get(id))?.value ?? implicitParameterGroup(id, kind)
  if (!group) throw parameterGroupNotFound(name)
  return group
}

/** The values for an engine that has been running since `startedAt`: without the changes that wait for its next start. */
export function valuesSince(group: ParameterGroupRecord, startedAt: number): Record<string, string> {
  const values = currentValues(group)
  // From the newest to the oldest, so that the oldest change after the start says what it was before all of them.
  for (const { parameter, before } of group.deferred.filter(({ at }) => at > startedAt).toReversed()) {
    if (before === undefined) delete values[parameter]
    else values[parameter] = before
  }
  return values
}

function currentValues(group: ParameterGroupRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(group.values).map(([name, { value }]) => [name, value]))
}
