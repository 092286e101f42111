/** Option groups as the store holds them. PostgreSQL has no options, so a group is a name that instances carry. */
import { defaultOptionGroupName, POSTGRES_MAJORS } from '#catalog/families.ts'
import { Collection } from '#store/collection.ts'
import { prefixOf } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import type { Tag } from '../db-instance/record.ts'

export interface OptionGroupRecord {
  readonly name: string
  readonly engine: string
  readonly major: string
  readonly description: string
  /** Milliseconds since the epoch; undefined for a default group. */
  readonly createdAt: number | undefined
  readonly tags: readonly Tag[]
}

export const optionGroups = (control: Pick<Control, 'store'>, scope: Scope): Collection<OptionGroupRecord> =>
  new Collection(control.store, prefixOf(scope, 'option-group'))

/** The default group of this name, which is there without being stored. */
export function implicitOptionGroup(name: string): OptionGroupRecord | undefined {
  const major = POSTGRES_MAJORS.find((candidate) => defaultOptionGroupName(candidate) === name)
  if (major === undefined) return undefined
  return {
    name,
    engine: 'postgres',
    major,
    description: `Default option group for postgres ${major}`,
    createdAt: undefined,
    tags: [],
  }
}
