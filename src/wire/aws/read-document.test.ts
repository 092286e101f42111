import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PutMetricData$ } from '@aws-sdk/client-cloudwatch'
import { PutLogEvents$ } from '@aws-sdk/client-cloudwatch-logs'
import { Encrypt$ } from '@aws-sdk/client-kms'
import { ExecuteStatement$ } from '@aws-sdk/client-rds-data'
import { NormalizedSchema } from '@smithy/core/schema'
import fc from 'fast-check'
import { Malformed } from './malformed.ts'
import { readDocument } from './read-document.ts'

const schemaOf = (operation: readonly unknown[]): NormalizedSchema => NormalizedSchema.of(operation[4] as never)
const execute = schemaOf(ExecuteStatement$)
const encrypt = schemaOf(Encrypt$)
const putMetrics = schemaOf(PutMetricData$)

const refusedAt = (path: string) => (error: unknown) => error instanceof Malformed && error.path === path

test('members are read by their type and others ignored', () => {
  const parameters = [
    { name: 'a', value: { longValue: 1 } },
    { name: 'b', value: { blobValue: 'AQI=' } },
  ]
  assert.deepEqual(readDocument(execute, { sql: 'select 1', includeResultMetadata: true, parameters, other: 1 }), {
    sql: 'select 1',
    includeResultMetadata: true,
    parameters: [
      { name: 'a', value: { longValue: 1 } },
      { name: 'b', value: { blobValue: Buffer.from([1, 2]) } },
    ],
  })
})

test('null is the same as absent', () => {
  assert.deepEqual(readDocument(execute, { sql: null, database: 'x', parameters: [null] }), {
    database: 'x',
    parameters: [],
  })
})

test('seconds since the epoch and ISO text are timestamps', () => {
  for (const Timestamp of [1767323045.678, '2026-01-02T03:04:05.678Z', new Date('2026-01-02T03:04:05.678Z')]) {
    const read = readDocument(putMetrics, { MetricData: [{ MetricName: 'a', Timestamp }] })
    assert.deepEqual(read['MetricData'], [{ MetricName: 'a', Timestamp: new Date('2026-01-02T03:04:05.678Z') }])
  }
})

test('the numbers that JSON has no literals for are read from text', () => {
  const read = readDocument(putMetrics, { MetricData: [{ MetricName: 'a', Value: 'NaN' }] })
  assert.deepEqual(read['MetricData'], [{ MetricName: 'a', Value: Number.NaN }])
})

test('a value of another type is refused with its place', () => {
  const refused: [NormalizedSchema, unknown, string][] = [
    [execute, [], ''],
    [execute, 'text', ''],
    [execute, { sql: 1 }, 'sql'],
    [execute, { includeResultMetadata: 'true' }, 'includeResultMetadata'],
    [execute, { parameters: {} }, 'parameters'],
    [execute, { parameters: [{ value: { longValue: '1' } }] }, 'parameters.1.value.longValue'],
    [execute, { parameters: [{ value: { blobValue: 'A' } }] }, 'parameters.1.value.blobValue'],
    [execute, { parameters: [{ value: { blobValue: 'A-_=' } }] }, 'parameters.1.value.blobValue'],
    [encrypt, { EncryptionContext: ['a'] }, 'EncryptionContext'],
    [encrypt, { EncryptionContext: { a: 1 } }, 'EncryptionContext.a'],
    [putMetrics, { MetricData: [{ Timestamp: true }] }, 'MetricData.1.Timestamp'],
    [putMetrics, { MetricData: [{ Timestamp: 1e300 }] }, 'MetricData.1.Timestamp'],
  ]
  for (const [schema, document, path] of refused) {
    assert.throws(() => readDocument(schema, document), refusedAt(path), JSON.stringify(document))
  }
})

test('a union has exactly one member', () => {
  for (const value of [{}, { other: 1 }, { longValue: 1, stringValue: 'a' }]) {
    assert.throws(() => readDocument(execute, { parameters: [{ value }] }), refusedAt('parameters.1.value'))
  }
})

test('a shape that holds itself is refused when nested too deeply', () => {
  const nested = (levels: number): object => {
    let arrayValue: object = { longValues: [1] }
    for (let level = 0; level < levels; level++) arrayValue = { arrayValues: [arrayValue] }
    return { parameters: [{ value: { arrayValue } }] }
  }
  assert.doesNotThrow(() => readDocument(execute, nested(10)))
  for (const levels of [100, 10_000]) assert.throws(() => readDocument(execute, nested(levels)), Malformed)
})

test('keys of a map are keys whatever they are', () => {
  const context = JSON.parse('{"__proto__":"a","constructor":"b","dots.in.it":"c"}') as object
  const read = readDocument(encrypt, { EncryptionContext: context })['EncryptionContext'] as Record<string, unknown>
  assert.deepEqual(Object.entries(read), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
    ['dots.in.it', 'c'],
  ])
})

test('any JSON is read or refused, and never changes what objects are', () => {
  const schemas = [execute, encrypt, putMetrics, schemaOf(PutLogEvents$)]
  const names = schemas.flatMap((schema) => [...schema.structIterator()].map(([name]) => name))
  const document = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(fc.constantFrom(...names, 'value', 'arrayValue', 'arrayValues', '__proto__'), tie('value')),
    ),
  })).value
  fc.assert(
    fc.property(fc.constantFrom(...schemas), document, (schema, value) => {
      try {
        assert.equal(Object.getPrototypeOf(readDocument(schema, value)), Object.prototype)
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
    { numRuns: 500 },
  )
})
