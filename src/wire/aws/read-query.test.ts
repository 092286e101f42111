import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateDBInstance$, DescribeEvents$, ModifyDBParameterGroup$ } from '@aws-sdk/client-rds'
import { NormalizedSchema } from '@smithy/core/schema'
import fc from 'fast-check'
import { FORM_PAIRS_MAX, LIST_ITEMS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { readQuery } from './read-query.ts'

const schemaOf = (operation: readonly unknown[]): NormalizedSchema => NormalizedSchema.of(operation[4] as never)
const create = schemaOf(CreateDBInstance$)
const modifyGroup = schemaOf(ModifyDBParameterGroup$)

const read = (form: string, schema = create): Record<string, unknown> =>
  readQuery(schema, new URLSearchParams(form), 'query')

test('text, numbers, booleans and nested lists are read by their type', () => {
  const form =
    'DBInstanceIdentifier=orders&AllocatedStorage=20&MultiAZ=true&StorageEncrypted=False' +
    '&Tags.Tag.1.Key=a&Tags.Tag.1.Value=%C3%BC&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1'
  assert.deepEqual(read(form), {
    DBInstanceIdentifier: 'orders',
    AllocatedStorage: 20,
    MultiAZ: true,
    StorageEncrypted: false,
    Tags: [{ Key: 'a', Value: 'ü' }],
    VpcSecurityGroupIds: ['sg-1'],
  })
})

test('a list is read under its own name, under `member` and under no name', () => {
  for (const between of ['Tag.', 'member.', '']) {
    assert.deepEqual(read(`Tags.${between}1.Key=a`), { Tags: [{ Key: 'a' }] }, between)
  }
})

test('items are in order of their index, and gaps are closed', () => {
  assert.deepEqual(read('Tags.member.10.Key=c&Tags.member.2.Key=b&Tags.member.1.Key=a'), {
    Tags: [{ Key: 'a' }, { Key: 'b' }, { Key: 'c' }],
  })
})

test('a list without items is said by its name alone', () => {
  assert.deepEqual(read('Tags='), { Tags: [] })
})

test('timestamps are read in every form that clients send', () => {
  const schema = schemaOf(DescribeEvents$)
  for (const text of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05', '2026-01-02T04:04:05%2B01:00', '1767323045']) {
    assert.deepEqual(read(`StartTime=${text}`, schema), { StartTime: new Date('2026-01-02T03:04:05Z') }, text)
  }
})

test('a value of another type is refused with its place', () => {
  const refused: [string, string][] = [
    ['AllocatedStorage=abc', 'AllocatedStorage'],
    ['AllocatedStorage=', 'AllocatedStorage'],
    ['AllocatedStorage=0x10', 'AllocatedStorage'],
    ['AllocatedStorage=Infinity', 'AllocatedStorage'],
    ['MultiAZ=yes', 'MultiAZ'],
    ['Tags=a', 'Tags'],
    ['Tags.member.1=a', 'Tags.1'],
  ]
  for (const [form, path] of refused) {
    assert.throws(
      () => read(form),
      (error) => error instanceof Malformed && error.path === path,
      form,
    )
  }
  for (const text of ['now', '2026-13-01T00:00:00Z', '2026-01-02T03:04', '']) {
    assert.throws(() => read(`StartTime=${text}x`, schemaOf(DescribeEvents$)), Malformed, text)
  }
})

test('parameters that the model does not have are ignored', () => {
  assert.deepEqual(read('Action=CreateDBInstance&Nope.1.2=3&__proto__.x=1&constructor=1'), {})
})

test('too many parameters, too long a list and too long a name are refused', () => {
  const pairs = Array.from({ length: FORM_PAIRS_MAX + 1 }, (_, i) => `a${i}=`).join('&')
  const items = Array.from({ length: LIST_ITEMS_MAX + 1 }, (_, i) => `Parameters.member.${i + 1}.ParameterName=a`).join(
    '&',
  )
  assert.throws(() => read(pairs), Malformed)
  assert.throws(() => read(items, modifyGroup), Malformed)
  assert.throws(() => read(`${'a.'.repeat(100_000)}b=1`), Malformed)
})

test('any form is read or refused, and never changes what objects are', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'Tags',
      'member',
      'Tag',
      '1',
      '2',
      'Key',
      'Value',
      '__proto__',
      'constructor',
      'AllocatedStorage',
      '',
    ),
    fc.string(),
  )
  const pair = fc.tuple(fc.array(part, { maxLength: 6 }), fc.string())
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 20 }), (pairs) => {
      const form = new URLSearchParams(pairs.map(([parts, value]) => [parts.join('.'), value]))
      try {
        assert.equal(Object.getPrototypeOf(readQuery(create, form, 'query')), Object.prototype)
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
      assert.equal(({} as Record<string, unknown>)['x'], undefined)
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
  )
})
