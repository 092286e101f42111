/** Rules of parameter groups as a whole: create, copy, delete, describe. Their values are in values.ts. */
import { DBParameterGroupAlreadyExistsFault, InvalidDBParameterGroupStateFault } from '@aws-sdk/client-rds'
import type { DBClusterParameterGroup, DBParameterGroup } from '@aws-sdk/client-rds'
import { defaultParameterGroupName, familyOf, isAuroraFamily, majorOfFamily } from '#catalog/families.ts'
import { fault } from '#wire/aws/faults.ts'
import { isArn, parseRdsArn, rdsArn } from '../arn.ts'
import { auroraClusters } from '../aurora-cluster/record.ts'
import { hasAurora } from '../capabilities.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Tag } from '../db-instance/record.ts'
import { everyVersion } from '../engine-version/versions-of.ts'
import { requireQuota } from '../quota/quotas.ts'
import {
  implicitParameterGroup,
  parameterGroupNotFound,
  parameterGroups,
  requireParameterGroup,
  usesGroup,
} from './record.ts'
import type { GroupKind, GroupName, ParameterGroupRecord } from './record.ts'

export { requireParameterGroup } from './record.ts'

/** Stored groups, and the default ones of what can run here. */
export async function listParameterGroups(
  control: Control,
  scope: Scope,
  kind?: GroupKind,
): Promise<ParameterGroupRecord[]> {
  const stored = (await parameterGroups(control, scope, kind).list()).map(({ value }) => value)
  const families = new Set(everyVersion(control).map(({ major, engine }) => familyOf(major, engine)))
  const implicit = [...families].flatMap(
    (family) => implicitParameterGroup(defaultParameterGroupName(family), kind) ?? [],
  )
  return [...stored, ...implicit.filter(({ name }) => !stored.some((group) => group.name === name))]
}

export interface NewParameterGroup {
  readonly kind?: 'cluster'
  readonly name: string
  readonly family: string
  readonly description: string
  readonly tags: readonly Tag[]
}

export async function createParameterGroup(
  control: Control,
  scope: Scope,
  wanted: NewParameterGroup,
): Promise<ParameterGroupRecord> {
  const { family } = wanted
  if (majorOfFamily(family) === undefined || (isAuroraFamily(family) && !hasAurora(control)))
    throw invalidValue(`ParameterGroupFamily ${family} is not a valid parameter group family`)
  return register(control, scope, {
    ...wanted,
    name: requireName(wanted.kind ? 'DBClusterParameterGroupName' : 'DBParameterGroupName', wanted.name),
    values: {},
    deferred: [],
  })
}

export interface ParameterGroupCopy {
  readonly kind?: 'cluster'
  /** Name or ARN. */
  readonly source: string
  readonly name: string
  readonly description: string
  readonly tags: readonly Tag[]
}

/** The copy has the source's values, and its tags unless it is given others. */
export async function copyParameterGroup(
  control: Control,
  scope: Scope,
  wanted: ParameterGroupCopy,
): Promise<ParameterGroupRecord> {
  const { kind } = wanted
  const member = kind ? 'TargetDBClusterParameterGroupIdentifier' : 'TargetDBParameterGroupIdentifier'
  const name = requireName(member, wanted.name)
  const source = await requireParameterGroup(control, scope, { ...(kind && { kind }), name: nameOf(scope, wanted) })
  if (implicitParameterGroup(source.name))
    throw invalidValue('A default parameter group cannot be copied: create a new one of the same family instead.')
  const tags = wanted.tags.length > 0 ? wanted.tags : source.tags
  return register(control, scope, { ...source, name, description: wanted.description, deferred: [], tags })
}

/** Throws InvalidDBParameterGroupStateFault for a default group and for one that instances use. */
export async function deleteParameterGroup(control: Control, scope: Scope, wanted: GroupName): Promise<void> {
  const { kind } = wanted
  const name = wanted.name.toLowerCase()
  if (implicitParameterGroup(name))
    throw fault(InvalidDBParameterGroupStateFault, `Default DBParameterGroup cannot be deleted: ${name}`)
  await transact(control, async () => {
    const held = await parameterGroups(control, scope, kind).get(name)
    if (!held) throw parameterGroupNotFound(wanted.name)
    const instances = await dbInstances(control, scope).list()
    const clusters = kind === 'cluster' ? await auroraClusters(control, scope).list() : []
    if (
      instances.some(({ value }) => usesGroup(value, { ...(kind && { kind }), name })) ||
      clusters.some(({ value }) => value.parameterGroup === name)
    )
      throw fault(
        InvalidDBParameterGroupStateFault,
        `One or more database instances are still members of this parameter group ${name}, so the group cannot be deleted`,
      )
    return { mutation: parameterGroups(control, scope, kind).remove(held), result: undefined }
  })
}

export function describeParameterGroup(scope: Scope, group: ParameterGroupRecord): DBParameterGroup {
  return {
    DBParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBParameterGroupArn: rdsArn(scope, 'pg', group.name),
  }
}

export function describeClusterParameterGroup(scope: Scope, group: ParameterGroupRecord): DBClusterParameterGroup {
  return {
    DBClusterParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBClusterParameterGroupArn: rdsArn(scope, 'cluster-pg', group.name),
  }
}

async function register(control: Control, scope: Scope, group: ParameterGroupRecord): Promise<ParameterGroupRecord> {
  if (group.description === '') throw invalidValue('The parameter Description must be provided and must not be blank.')
  return transact(control, async () => {
    const groups = parameterGroups(control, scope, group.kind)
    if (await groups.get(group.name))
      throw fault(DBParameterGroupAlreadyExistsFault, `Parameter group ${group.name} already exists`)
    await requireQuota(control, scope, group.kind ? 'DBClusterParameterGroups' : 'DBParameterGroups')
    return { mutation: groups.create(group.name, group), result: group }
  })
}

/** The name in a name or an ARN. An ARN of elsewhere names nothing here. */
function nameOf(scope: Scope, { kind, source: nameOrArn }: ParameterGroupCopy): string {
  if (!isArn(nameOrArn)) return nameOrArn
  const arn = parseRdsArn(nameOrArn)
  if (arn?.type !== (kind ? 'cluster-pg' : 'pg') || arn.account !== scope.account || arn.region !== scope.region)
    throw invalidValue(
      `Invalid parameter group ARN: ${nameOrArn}. Only groups of the same account and region can be copied.`,
    )
  return arn.id
}

/** AWS: CreateDBParameterGroup, DBParameterGroupName, Constraints. */
function requireName(member: string, name: string): string {
  if (!/^[a-z](?!.*--)[a-z0-9-]{0,254}$/i.test(name) || name.endsWith('-'))
    throw invalidValue(
      `The parameter ${member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.`,
    )
  return name.toLowerCase()
}
