import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cbor, dateToTag } from '@smithy/core/cbor'
import fc from 'fast-check'
import { Malformed } from './malformed.ts'
import { decodeCbor } from './read-cbor.ts'

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** What JSON and CBOR have in common, and bytes. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 30 }),
  ),
})).value

test('what the SDK encodes is decoded to the same', () => {
  fc.assert(
    fc.property(anything, (value) => {
      assert.deepEqual(decodeCbor(cbor.serialize(value)), withPrototypes(value))
    }),
  )
})

/** fast-check's dictionaries may have no prototype; ours have one. */
const withPrototypes = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** RFC 8949, appendix A. */
test('the examples of the RFC are decoded', () => {
  const examples: [string, unknown][] = [
    ['00', 0],
    ['1864', 100],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3903e7', -1000],
    ['f93c00', 1],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f97c00', Number.POSITIVE_INFINITY],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['f7', null],
    ['c11a514b67b0', new Date('2013-03-21T20:04:00Z')],
    ['c1fb41d452d9ec200000', new Date('2013-03-21T20:04:00.500Z')],
    ['62c3bc', 'ü'],
    ['63efbbbf', '\ufeff'],
    ['83010203', [1, 2, 3]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
  ]
  for (const [hex, value] of examples) assert.deepEqual(decodeCbor(bytes(hex)), value, hex)
  assert.deepEqual(Buffer.from(decodeCbor(bytes('5f42010243030405ff')) as Uint8Array), Buffer.from([1, 2, 3, 4, 5]))
})

test('timestamps as the SDK sends them are dates', () => {
  const date = new Date('2026-01-02T03:04:05.678Z')
  assert.deepEqual(decodeCbor(cbor.serialize(dateToTag(date))), date)
})

test('a key __proto__ is a key and no prototype', () => {
  const decoded = decodeCbor(cbor.serialize(JSON.parse('{"__proto__":{"admin":true}}'))) as Record<string, unknown>
  assert.deepEqual(Object.keys(decoded), ['__proto__'])
  assert.equal(decoded['admin'], undefined)
})

test('lengths that the bytes do not hold are refused before anything is made for them', () => {
  for (const hex of ['9bffffffffffffffff', '9affffffff', 'bb7fffffffffffffff', '5bffffffffffffffff', '7affffffff00']) {
    assert.throws(() => decodeCbor(bytes(hex)), Malformed, hex)
  }
})

test('nesting is refused long before the stack ends', () => {
  for (const hex of ['81', '9f', 'a16161', 'c1', '7f', '5f']) {
    assert.throws(() => decodeCbor(bytes(hex.repeat(1_000_000))), Malformed, hex)
  }
})

test('what is no document is refused', () => {
  for (const hex of ['', '0000', 'ff', '1c', '62c328', 'a10101', 'c24101', 'c16161', 'f8ff', '7f01ff']) {
    assert.throws(() => decodeCbor(bytes(hex)), Malformed, hex)
  }
})

test('any bytes are decoded or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        decodeCbor(noise)
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a document cut at any byte is refused', () => {
  const whole = cbor.serialize({ a: [1, 'text', { b: true, c: 1.5 }], d: null })
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeCbor(whole.subarray(0, length)), Malformed, String(length))
  }
})
