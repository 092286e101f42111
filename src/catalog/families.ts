/** Parameter group families of RDS for PostgreSQL, and the groups that exist without being created. */
export const POSTGRES_MAJORS = ['12', '13', '14', '15', '16', '17', '18'] as const

export const parameterFamilies: readonly string[] = POSTGRES_MAJORS.map(familyOf)

/** `17` → `postgres17` */
export function familyOf(major: string): string {
  return `postgres${major}`
}

/** `postgres17` → `17`. Undefined for a family that is not known here. */
export function majorOfFamily(family: string): string | undefined {
  return POSTGRES_MAJORS.find((major) => familyOf(major) === family)
}

export function defaultParameterGroupName(family: string): string {
  return `default.${family}`
}

export function defaultOptionGroupName(major: string): string {
  return `default:postgres-${major}`
}
