/** Parameter group families of RDS for PostgreSQL and of Aurora PostgreSQL, and the groups that exist without being created. */
import type { DbEngine } from './engine-versions.ts'

export const POSTGRES_MAJORS = ['12', '13', '14', '15', '16', '17', '18'] as const

/** Majors of Aurora PostgreSQL that can run here. */
export const AURORA_MAJORS = ['14', '15', '16', '17', '18'] as const

interface Family {
  readonly engine: DbEngine
  readonly major: string
}

const families: ReadonlyMap<string, Family> = new Map(
  [
    ...POSTGRES_MAJORS.map((major) => ({ engine: 'postgres' as const, major })),
    ...AURORA_MAJORS.map((major) => ({ engine: 'aurora-postgresql' as const, major })),
  ].map((family) => [familyOf(family.major, family.engine), family]),
)

export const parameterFamilies: readonly string[] = [...families.keys()]

/** `17` → `postgres17`, or `aurora-postgresql17` */
export function familyOf(major: string, engine: DbEngine = 'postgres'): string {
  return engine + major
}

/** `postgres17` → `17`. Undefined for a family that is not known here. */
export const majorOfFamily = (family: string): string | undefined => families.get(family)?.major

export const isAuroraFamily = (family: string): boolean => families.get(family)?.engine === 'aurora-postgresql'

export function defaultParameterGroupName(family: string): string {
  return `default.${family}`
}

export function defaultOptionGroupName(major: string): string {
  return `default:postgres-${major}`
}
