/**
 * Reads a decoded JSON or CBOR document by schema and refuses what is not of its member's type. The SDK's readers are
 * made for the replies of a server they trust: they let wrong types through and copy members that no schema has.
 */
import type { NormalizedSchema } from '@smithy/core/schema'
import { assert } from '#base/assert.ts'
import { DOCUMENT_DEPTH_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { readBase64 } from './read-query.ts'
import { readTimestampSeconds, readTimestampText } from './timestamps.ts'

/** What is not in the schema is ignored. Throws {@link Malformed}. */
export function readDocument(schema: NormalizedSchema, document: unknown): Record<string, unknown> {
  if (!isPlainObject(document)) throw new Malformed('', document, 'a structure')
  return schema.isStructSchema() ? readStructure(schema, document, { path: '', depth: 0 }) : {}
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof Date)

interface Place {
  readonly path: string
  readonly depth: number
}

const at = ({ path, depth }: Place, step: string | number): Place => ({
  path: path ? `${path}.${step}` : String(step),
  depth: depth + 1,
})

function read(schema: NormalizedSchema, value: unknown, place: Place): unknown {
  const { path, depth } = place
  if (depth > DOCUMENT_DEPTH_MAX) throw new Malformed(path.slice(0, 100), 'a structure', 'nested less deeply')
  if (schema.isStructSchema()) {
    if (isPlainObject(value)) return readStructure(schema, value, place)
    throw new Malformed(path, value, 'a structure')
  }
  if (schema.isListSchema()) {
    if (Array.isArray(value)) return readList(schema, value, place)
    throw new Malformed(path, value, 'a list')
  }
  if (schema.isMapSchema()) {
    if (isPlainObject(value)) return readMap(schema, value, place)
    throw new Malformed(path, value, 'a map')
  }
  return readScalar(schema, value, path)
}

function readStructure(
  schema: NormalizedSchema,
  record: Record<string, unknown>,
  place: Place,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  let found = 0
  for (const [name, member] of schema.structIterator()) {
    const value = Object.hasOwn(record, name) ? record[name] : undefined
    if (value === undefined || value === null) continue
    out[name] = read(member, value, at(place, name))
    found++
  }
  if (schema.isUnionSchema() && found !== 1) throw new Malformed(place.path, `${found} members`, 'exactly one member')
  return out
}

/** Null is an item only where the model says so. */
function readList(schema: NormalizedSchema, values: readonly unknown[], place: Place): unknown[] {
  const item = schema.getValueSchema()
  const sparse = Boolean(schema.getMergedTraits().sparse)
  const out: unknown[] = []
  for (const [index, value] of values.entries()) {
    if (value !== null) out.push(read(item, value, at(place, index + 1)))
    else if (sparse) out.push(null)
  }
  return out
}

/** fromEntries defines properties: a key `__proto__` is a key like any other. */
function readMap(schema: NormalizedSchema, record: Record<string, unknown>, place: Place): Record<string, unknown> {
  const item = schema.getValueSchema()
  const present = Object.entries(record).filter(([, value]) => value !== null)
  return Object.fromEntries(present.map(([key, value]) => [key, read(item, value, at(place, key))]))
}

/** How JSON spells the numbers that it has no literals for. */
const UNSPELLABLE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

function readScalar(schema: NormalizedSchema, value: unknown, path: string): unknown {
  if (schema.isStringSchema()) {
    if (typeof value === 'string') return value
    throw new Malformed(path, value, 'a string')
  }
  if (schema.isBooleanSchema()) {
    if (typeof value === 'boolean') return value
    throw new Malformed(path, value, 'a boolean')
  }
  if (schema.isNumericSchema()) {
    const number = typeof value === 'string' ? UNSPELLABLE.get(value) : value
    if (typeof number === 'number') return number
    throw new Malformed(path, value, 'a number')
  }
  if (schema.isTimestampSchema()) return readTimestamp(value, path)
  assert(schema.isBlobSchema(), `the reader of documents knows the type of ${path}`)
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return readBase64(value, path)
  throw new Malformed(path, value, 'base64')
}

function readTimestamp(value: unknown, path: string): Date {
  if (value instanceof Date) return value
  if (typeof value === 'number') return readTimestampSeconds(value, path)
  if (typeof value === 'string') return readTimestampText(value, path)
  throw new Malformed(path, value, 'a timestamp')
}
