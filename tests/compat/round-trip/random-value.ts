/** Random values of any schema, from a seed, and their comparison. */
import assert from 'node:assert/strict'
import type { NormalizedSchema } from '@smithy/core/schema'
import { enums } from '#catalog/gen/enums.ts'

export interface Chance {
  /** At least 0, less than 1. */
  next(): number
  pick<T>(from: readonly T[]): T
}

/** mulberry32, started from the seed and a name, so that an operation's values do not depend on the others. */
export function chanceFrom(seed: number, name: string): Chance {
  let state = seed
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x5bd1e995) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, pick: (from) => from[Math.floor(next() * from.length)]! }
}

const TEXTS = [
  'x',
  'ü<&>"\' é漢😀',
  'a b+c=d&e%20',
  ' lead',
  'line\r\nbreak',
  ']]>',
  '{"a":1}',
  '0',
  'true',
  '__proto__',
]
const NUMBERS = [0, 1, -5, 1_000_000_000]
/** From here on only what is required, so that shapes which hold themselves come to an end. */
const DEPTH_SPARSE = 4
const DEPTH_MAX = 9

export function randomValue(schema: NormalizedSchema, chance: Chance, depth = 0): unknown {
  if (schema.isUnionSchema()) return randomUnion(schema, chance, depth)
  if (schema.isStructSchema()) return randomStructure(schema, chance, depth)
  if (schema.isListSchema()) {
    if (depth > DEPTH_MAX) return []
    const count = chance.pick([1, 1, 2, 3])
    return Array.from({ length: count }, () => randomValue(schema.getValueSchema(), chance, depth + 1))
  }
  if (schema.isMapSchema()) {
    const keys = chance.pick([['k1'], ['k1', 'k.2 ü']])
    return Object.fromEntries(keys.map((key) => [key, randomValue(schema.getValueSchema(), chance, depth + 1)]))
  }
  if (schema.isBlobSchema()) return new Uint8Array([1, 2, 255, Math.floor(chance.next() * 256)])
  if (schema.isTimestampSchema()) return new Date(1_600_000_000_000 + Math.floor(chance.next() * 1_000_000_000))
  if (schema.isBooleanSchema()) return chance.next() < 0.5
  if (schema.isNumericSchema()) return chance.pick(NUMBERS)
  assert.ok(schema.isStringSchema(), `a type the test knows: ${schema.getName()}`)
  return chance.pick(TEXTS)
}

function randomUnion(schema: NormalizedSchema, chance: Chance, depth: number): object {
  const members = [...schema.structIterator()]
  const [name, member] = chance.pick(depth > DEPTH_SPARSE ? members.slice(0, 3) : members)
  return { [name]: randomValue(member, chance, depth + 1) }
}

type StructureTuple = readonly [number, string, string, unknown, readonly string[], unknown, number?]

function randomStructure(schema: NormalizedSchema, chance: Chance, depth: number): object {
  const [, namespace, shape, , , , required = 0] = schema.getSchema() as unknown as StructureTuple
  const members = [...schema.structIterator()].filter(([, member]) => !member.isStreaming())
  const out: Record<string, unknown> = {}
  const add = ([name, member]: [string, NormalizedSchema]): void => {
    out[name] = randomMember(member, enums[`${namespace}#${shape}`]?.[name], { chance, depth: depth + 1 })
  }
  for (const [index, entry] of members.entries()) {
    if (index < required || (depth <= DEPTH_SPARSE && chance.next() >= 0.3)) add(entry)
  }
  // Few servers or clients tell "an empty structure" from none, so there is none but where a shape has no members.
  const plain = members.find(([, member]) => isScalar(member)) ?? members[0]
  if (plain && Object.keys(out).length === 0) add(plain)
  return out
}

function randomMember(
  member: NormalizedSchema,
  allowed: readonly string[] | undefined,
  { chance, depth }: { readonly chance: Chance; readonly depth: number },
): unknown {
  if (!allowed) return randomValue(member, chance, depth)
  return member.isListSchema() ? [chance.pick(allowed)] : chance.pick(allowed)
}

const isScalar = (schema: NormalizedSchema): boolean =>
  !schema.isStructSchema() && !schema.isListSchema() && !schema.isMapSchema()

/** Equal in value, whatever the classes that the two sides have for bytes, and whatever is undefined. */
export function equal(actual: unknown, expected: unknown): void {
  assert.deepEqual(plain(actual), plain(expected))
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (value instanceof Date) return `time ${value.getTime()}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const present = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(present.map(([name, member]) => [name, plain(member)]))
}

/** Without the structures that hold nothing, which a form has no way to say. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value
  const members = Object.entries(value).map(([name, member]) => [name, withoutEmpty(member)] as const)
  return Object.fromEntries(members.filter(([, member]) => !isEmpty(member)))
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.keys(value).length === 0
