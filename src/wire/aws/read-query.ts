/**
 * Reads the forms of awsQuery and ec2Query by schema. A form is a tree spelled in its keys:
 *
 *     Tags.member.1.Key=a&Tags.member.1.Value=b      { Tags: [{ Key: 'a', Value: 'b' }] }
 *     Tags=                                          { Tags: [] }
 */
import type { NormalizedSchema } from '@smithy/core/schema'
import { assert } from '#base/assert.ts'
import { FORM_KEY_PARTS_MAX, FORM_PAIRS_MAX, LIST_ITEMS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { readTimestampText } from './timestamps.ts'

/** Children are in a Map, so that no key of a caller can meet a property of an object. */
interface Node {
  value?: string
  children?: Map<string, Node>
}

type Flavour = 'query' | 'ec2'

/** What is not in the schema is ignored, as AWS does. Throws {@link Malformed}. */
export function readQuery(schema: NormalizedSchema, form: URLSearchParams, flavour: Flavour): Record<string, unknown> {
  return schema.isStructSchema() ? readStructure(schema, treeOf(form), { flavour, path: '' }) : {}
}

function treeOf(form: URLSearchParams): Node {
  if (form.size > FORM_PAIRS_MAX) throw new Malformed('', form.size, `a form of at most ${FORM_PAIRS_MAX} parameters`)
  const root: Node = {}
  for (const [key, value] of form) {
    const parts = key.split('.', FORM_KEY_PARTS_MAX + 1)
    if (parts.length > FORM_KEY_PARTS_MAX)
      throw new Malformed(key.slice(0, 100), parts.length, 'a shorter parameter name')
    let node = root
    for (const part of parts) {
      const children = (node.children ??= new Map<string, Node>())
      let next = children.get(part)
      if (!next) children.set(part, (next = {}))
      node = next
    }
    node.value = value
  }
  return root
}

interface Place {
  readonly flavour: Flavour
  readonly path: string
}

const at = ({ flavour, path }: Place, step: string): Place => ({ flavour, path: path ? `${path}.${step}` : step })

function read(schema: NormalizedSchema, node: Node, place: Place): unknown {
  if (schema.isStructSchema()) return readStructure(schema, leafless(node, place, 'a structure'), place)
  if (schema.isListSchema()) return readList(schema, leafless(node, place, 'a list'), place)
  if (schema.isMapSchema()) return readMap(schema, leafless(node, place, 'a map'), place)
  return node.value === undefined ? undefined : readScalar(schema, node.value, place.path)
}

/** `X=` is how clients say "empty"; text where a structure should be is a mistake. */
function leafless(node: Node, { path }: Place, wanted: string): Node {
  if (node.value && !node.children) throw new Malformed(path, node.value, wanted)
  return node
}

function readStructure(schema: NormalizedSchema, node: Node, place: Place): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, member] of schema.structIterator()) {
    const child = node.children?.get(keyOf(name, member, place.flavour))
    if (!child) continue
    const value = read(member, child, at(place, name))
    if (value !== undefined) out[name] = value
  }
  return out
}

function keyOf(name: string, member: NormalizedSchema, flavour: Flavour): string {
  const { xmlName, ec2QueryName } = member.getMemberTraits() as { xmlName?: string; ec2QueryName?: string }
  if (flavour === 'query') return xmlName ?? name
  const key = ec2QueryName ?? xmlName ?? name
  return ec2QueryName ? key : key.charAt(0).toUpperCase() + key.slice(1)
}

/**
 * The name between a list and its index is the model's with SDKs and `member` in scripts written by hand; any is
 * taken, and none, which is all that ec2Query knows.
 */
function readList(schema: NormalizedSchema, node: Node, place: Place): unknown[] {
  const [first] = node.children ?? []
  const bare = place.flavour === 'ec2' || !first || /^\d+$/.test(first[0])
  const item = schema.getValueSchema()
  const out: unknown[] = []
  for (const [index, child] of entriesOf(bare ? node : first[1], place)) {
    const value = read(item, child, at(place, String(index)))
    if (value !== undefined) out.push(value)
  }
  return out
}

function readMap(schema: NormalizedSchema, node: Node, place: Place): Record<string, unknown> {
  const keyName = (schema.getKeySchema().getMergedTraits().xmlName as string | undefined) ?? 'key'
  const valueName = (schema.getValueSchema().getMergedTraits().xmlName as string | undefined) ?? 'value'
  const found: [string, unknown][] = []
  for (const [, entry] of entriesOf(node.children?.get('entry') ?? node, place)) {
    const key = entry.children?.get(keyName)?.value
    const value = entry.children?.get(valueName)
    if (key !== undefined && value) found.push([key, read(schema.getValueSchema(), value, at(place, key))])
  }
  // fromEntries defines properties: a key `__proto__` is a key like any other.
  return Object.fromEntries(found)
}

/** In order of the index, whatever the order in the form; gaps are closed. */
function entriesOf(node: Node, { path }: Place): [number, Node][] {
  const found: [number, Node][] = []
  for (const [key, child] of node.children ?? []) if (/^\d{1,9}$/.test(key)) found.push([Number(key), child])
  if (found.length > LIST_ITEMS_MAX)
    throw new Malformed(path, found.length, `a list of at most ${LIST_ITEMS_MAX} items`)
  return found.sort((a, b) => a[0] - b[0])
}

function readScalar(schema: NormalizedSchema, text: string, path: string): unknown {
  if (schema.isStringSchema()) return text
  if (schema.isBooleanSchema()) {
    const lower = text.toLowerCase()
    if (lower === 'true' || lower === 'false') return lower === 'true'
    throw new Malformed(path, text, 'a boolean')
  }
  if (schema.isNumericSchema()) {
    if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(text)) return Number(text)
    throw new Malformed(path, text, 'a number')
  }
  if (schema.isTimestampSchema()) return readTimestampText(text, path)
  assert(schema.isBlobSchema(), `the reader of forms knows the type of ${path}`)
  return readBase64(text, path)
}

/** Strict, because Node's own reader skips what it does not know. */
export function readBase64(text: string, path: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Malformed(path, text, 'base64')
  return Buffer.from(text, 'base64')
}
