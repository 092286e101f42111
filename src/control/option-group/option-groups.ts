/** Rules of option groups. */
import {
  InvalidOptionGroupStateFault,
  OptionGroupAlreadyExistsFault,
  OptionGroupNotFoundFault,
} from '@aws-sdk/client-rds'
import type { OptionGroup } from '@aws-sdk/client-rds'
import { defaultOptionGroupName, POSTGRES_MAJORS } from '#catalog/families.ts'
import type { Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import type { Tag } from '../db-instance/record.ts'
import { requireQuota } from '../quota/quotas.ts'
import { implicitOptionGroup, optionGroups } from './record.ts'
import type { OptionGroupRecord } from './record.ts'

/** The group of this name, stored or default. Throws OptionGroupNotFoundFault. */
export async function requireOptionGroup(control: Control, scope: Scope, name: string): Promise<OptionGroupRecord> {
  const id = name.toLowerCase()
  const group = (await optionGroups(control, scope).get(id))?.value ?? implicitOptionGroup(id)
  if (!group) throw notFound(name)
  return group
}

/** Stored groups and the default ones. */
export async function listOptionGroups(control: Control, scope: Scope): Promise<OptionGroupRecord[]> {
  const stored = (await optionGroups(control, scope).list()).map(({ value }) => value)
  const implicit = POSTGRES_MAJORS.map((major) => implicitOptionGroup(defaultOptionGroupName(major))!)
  return [...stored, ...implicit.filter(({ name }) => !stored.some((group) => group.name === name))]
}

export interface NewOptionGroup {
  readonly name: string
  readonly engine: string
  readonly major: string
  readonly description: string
  readonly tags: readonly Tag[]
}

export async function createOptionGroup(
  control: Control,
  scope: Scope,
  wanted: NewOptionGroup,
): Promise<OptionGroupRecord> {
  const name = requireName(wanted.name)
  if (wanted.engine !== 'postgres')
    throw invalidValue(`Invalid DB engine: ${wanted.engine}. The engines that can run here are: postgres.`)
  if (!POSTGRES_MAJORS.some((major) => major === wanted.major))
    throw invalidCombination(`Cannot find major version ${wanted.major} for postgres`)
  if (wanted.description === '')
    throw invalidValue('The parameter OptionGroupDescription must be provided and must not be blank.')
  return transact(control, async () => {
    if (await optionGroups(control, scope).get(name))
      throw fault(OptionGroupAlreadyExistsFault, `An option group named ${name} already exists.`)
    await requireQuota(control, scope, 'OptionGroups')
    const result = { ...wanted, name, createdAt: control.clock.now() }
    return { mutation: optionGroups(control, scope).create(name, result), result }
  })
}

/** Throws OptionGroupNotFoundFault, and InvalidOptionGroupStateFault for a default group or one that is in use. */
export async function deleteOptionGroup(control: Control, scope: Scope, name: string): Promise<void> {
  await transact(control, async () => {
    const held = await requireOwn(control, scope, name)
    // An instance that is created in this very moment is not seen here; it then carries a name without a group, and
    // since a group holds nothing, nothing is missing.
    const users = (await dbInstances(control, scope).list()).filter(
      ({ value }) => value.settings.OptionGroupName === held.value.name,
    )
    if (users.length > 0)
      throw fault(InvalidOptionGroupStateFault, `The option group ${held.value.name} is in use and cannot be deleted.`)
    return { mutation: optionGroups(control, scope).remove(held), result: undefined }
  })
}

/** PostgreSQL has no options: only a modification that changes nothing can succeed. */
export async function modifyOptionGroup(
  control: Control,
  scope: Scope,
  change: { readonly name: string; readonly include: readonly string[]; readonly remove: readonly string[] },
): Promise<OptionGroupRecord> {
  const { value } = await requireOwn(control, scope, change.name)
  const option = change.include[0] ?? change.remove[0]
  if (option !== undefined) throw invalidValue(`Invalid option name: ${option}. Engine postgres has no options.`)
  return value
}

export function describeOptionGroup(scope: Scope, group: OptionGroupRecord): OptionGroup {
  return {
    OptionGroupName: group.name,
    OptionGroupDescription: group.description,
    EngineName: group.engine,
    MajorEngineVersion: group.major,
    Options: [],
    AllowsVpcAndNonVpcInstanceMemberships: true,
    OptionGroupArn: rdsArn(scope, 'og', group.name),
  }
}

async function requireOwn(control: Control, scope: Scope, name: string): Promise<Held<OptionGroupRecord>> {
  const id = name.toLowerCase()
  if (implicitOptionGroup(id))
    throw fault(InvalidOptionGroupStateFault, 'Default option groups cannot be changed or deleted.')
  const held = await optionGroups(control, scope).get(id)
  if (!held) throw notFound(name)
  return held
}

/** AWS: CreateOptionGroup, OptionGroupName, Constraints. */
function requireName(name: string): string {
  if (!/^[a-z](?!.*--)[a-z0-9-]{0,254}$/i.test(name) || name.endsWith('-'))
    throw invalidValue(
      `The parameter OptionGroupName is not a valid identifier: ${name}. It must begin with a letter and have 1 to 255 letters, digits and hyphens, without two hyphens in a row or one at the end.`,
    )
  return name.toLowerCase()
}

const notFound = (name: string): Error =>
  fault(OptionGroupNotFoundFault, `Specified OptionGroupName: ${name} not found.`)
