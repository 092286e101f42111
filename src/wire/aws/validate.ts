/** Checks an input that has been read, so that its types are right, against what else its model says. */
import type { NormalizedSchema } from '@smithy/core/schema'
import type { Service } from './service.ts'
import { Malformed } from './malformed.ts'
import { type Violation, wordingOf } from './wording.ts'

/** Allowed values by `namespace#Structure`, then member: schemas do not carry them. */
export type Enums = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** Throws the service's own fault when a required member is missing or a value is not among those of its enum. */
export function validate(input: object, rules: { service: Service; schema: NormalizedSchema; enums: Enums }): void {
  const { service, schema, enums } = rules
  const forms = FORM_RULES[service.signingName]
  const [first, ...others] = violationsOf(schema, input, { path: '', enums, forms })
  if (first) throw wordingOf(service.signingName).violations([first, ...others])
}

/**
 * What the services that take everything as text add: a required text must not be blank, and numbers are whole, which
 * schemas do not tell, but for these members.
 */
interface FormRules {
  readonly fractional: readonly string[]
}

const FORM_RULES: Readonly<Record<string, FormRules>> = {
  rds: { fractional: ['MinCapacity', 'MaxCapacity', 'MinACU', 'MaxACU'] },
  elasticache: { fractional: [] },
}

interface Rules {
  readonly path: string
  readonly enums: Enums
  readonly forms: FormRules | undefined
}

const inside = (rules: Rules, step: string | number): Rules => ({
  ...rules,
  path: rules.path ? `${rules.path}.${step}` : String(step),
})

function violationsOf(schema: NormalizedSchema, value: unknown, rules: Rules): Violation[] {
  if (schema.isStructSchema()) return structureViolations(schema, value as Record<string, unknown>, rules)
  if (schema.isListSchema()) {
    const item = schema.getValueSchema()
    if (isScalar(item)) return []
    return (value as unknown[]).flatMap((one, i) => (one === null ? [] : violationsOf(item, one, inside(rules, i + 1))))
  }
  if (schema.isMapSchema()) {
    const item = schema.getValueSchema()
    if (isScalar(item)) return []
    return Object.entries(value as object).flatMap(([key, one]) => violationsOf(item, one, inside(rules, key)))
  }
  return []
}

const isScalar = (schema: NormalizedSchema): boolean =>
  !schema.isStructSchema() && !schema.isListSchema() && !schema.isMapSchema()

function structureViolations(schema: NormalizedSchema, record: Record<string, unknown>, rules: Rules): Violation[] {
  // The tuple of a structure ends with the number of its required members, which come first. A union's does not.
  const [, namespace, name, , members, , required = 0] = schema.getSchema() as unknown as StructureTuple
  const allowed = rules.enums[`${namespace}#${name}`]
  const found: Violation[] = []
  for (const member of members.slice(0, required)) {
    const path = inside(rules, member).path
    const value = record[member]
    if (value === undefined || (rules.forms && value === ''))
      found.push({ kind: 'missing', path, given: '', allowed: [] })
  }
  for (const [member, memberSchema] of schema.structIterator()) {
    const value = record[member]
    if (value === undefined) continue
    const place = inside(rules, member)
    requireWhole(value, member, place)
    found.push(...violationsOf(memberSchema, value, place), ...enumViolations(value, allowed?.[member], place))
  }
  return found
}

type StructureTuple = readonly [number, string, string, unknown, readonly string[], unknown, number?]

function requireWhole(value: unknown, member: string, { path, forms }: Rules): void {
  if (typeof value !== 'number' || !forms || forms.fractional.includes(member) || Number.isSafeInteger(value)) return
  throw new Malformed(path, value, 'an integer')
}

function enumViolations(value: unknown, allowed: readonly string[] | undefined, { path }: Rules): Violation[] {
  if (!allowed) return []
  const given = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
  return given
    .filter((one) => !allowed.includes(one))
    .map((one) => ({ kind: 'not-allowed', path, given: one, allowed }) as const)
}
