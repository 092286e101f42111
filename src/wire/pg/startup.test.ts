import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStartup } from './startup.ts'

function packet(code: number, rest: string): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(rest)])
  bytes.writeUInt32BE(bytes.length)
  bytes.writeUInt32BE(code, 4)
  return bytes
}

const word = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'))

test('names and values come out as they went in', () => {
  const value = fc.string().filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(word, value), { selector: ([name]) => name }), (pairs) => {
      const rest = `${pairs.map(([name, text]) => `${name}\0${text}\0`).join('')}\0`
      assert.deepEqual(parseStartup(packet(0x30002, rest)), { minor: 2, parameters: new Map(pairs) })
    }),
  )
})

test('a packet that is cut off or goes on, and another protocol, are refused', () => {
  const whole = 'user\0volume\0replication\0true\0'
  for (const rest of ['', 'user\0', 'user\0volume', whole, `${whole}\0more`, `${whole}\0\0`])
    assert.throws(() => parseStartup(packet(0x30000, rest)), SyntaxError, JSON.stringify(rest))
  assert.throws(() => parseStartup(packet(0x20000, `${whole}\0`)), SyntaxError)
  const long = packet(0x30000, `${whole}\0`)
  assert.throws(() => parseStartup(long.subarray(0, -1)), SyntaxError)
})

test('garbage is either refused or read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        assert.ok(parseStartup(Buffer.from(bytes)).parameters.size >= 0)
      } catch (error) {
        assert.ok(error instanceof SyntaxError)
      }
    }),
  )
})
