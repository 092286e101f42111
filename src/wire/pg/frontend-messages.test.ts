import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrontendReader, type FrontendMessage } from './frontend-messages.ts'

function encode({ type, body }: FrontendMessage): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

function all(reader: FrontendReader): FrontendMessage[] {
  const found: FrontendMessage[] = []
  for (let message = reader.next(); message; message = reader.next()) found.push(message)
  return found
}

const messages = fc.array(
  fc.record(
    {
      type: fc.constantFrom('Q', 'd', 'c', 'X', 'p'),
      body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 8 },
)

test('messages come out as they went in, cut at every byte', () => {
  fc.assert(
    fc.property(messages, (sent) => {
      const reader = new FrontendReader(40)
      const found: FrontendMessage[] = []
      for (const byte of Buffer.concat(sent.map(encode))) {
        reader.push(Buffer.of(byte))
        found.push(...all(reader))
      }
      assert.deepEqual(found, sent)
      assert.equal(reader.bytesKept, 0)
    }),
  )
})

test('what was not taken yet goes before what comes later', () => {
  const reader = new FrontendReader(40)
  const [a, b] = [
    { type: 'Q', body: Buffer.from('a') },
    { type: 'd', body: Buffer.from('b') },
  ]
  reader.push(encode(a))
  reader.push(encode(b))
  assert.deepEqual(all(reader), [a, b])
})

test('a message that is too long is refused by its head alone', () => {
  for (const length of [0, 3, 45, 0xffff_ffff]) {
    const reader = new FrontendReader(40)
    const head = Buffer.from('Q....')
    head.writeUInt32BE(length, 1)
    reader.push(head)
    assert.throws(() => reader.next(), RangeError, String(length))
  }
})
