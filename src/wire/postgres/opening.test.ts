import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fatalMessage, readOpening } from './opening.ts'

const packet = (code: number, rest = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + rest.length)
  head.writeUInt32BE(code, 4)
  return Buffer.concat([head, rest])
}
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

test('the kinds of first packets are told apart', () => {
  assert.deepEqual(readOpening(packet(80_877_103)), { kind: 'ssl' })
  assert.deepEqual(readOpening(packet(80_877_104)), { kind: 'gss' })
  assert.deepEqual(readOpening(packet(0x30000, Buffer.from('user\0app\0\0'))), { kind: 'startup', bytes: 18 })
  assert.deepEqual(readOpening(packet(0x30002, Buffer.from('user\0app\0\0'))), { kind: 'startup', bytes: 18 })
  assert.deepEqual(readOpening(Buffer.of(0x16)), { kind: 'tls' })
  assert.deepEqual(readOpening(Buffer.from('GET / HTTP/1.1\r\n')), { kind: 'foreign' })
  assert.deepEqual(readOpening(packet(0x20000, Buffer.alloc(40))), { kind: 'foreign' })
})

test('a request to cancel is read whole, with a short or a long secret', () => {
  for (const secret of [Buffer.from('abcd'), Buffer.alloc(32, 7), Buffer.alloc(256, 9)]) {
    const whole = packet(80_877_102, Buffer.concat([word(4711), secret]))
    for (let cut = 8; cut < whole.length; cut++) assert.equal(readOpening(whole.subarray(0, cut)), undefined)
    assert.deepEqual(readOpening(whole), { kind: 'cancel', pid: 4711, secret, packet: whole })
  }
  assert.deepEqual(readOpening(packet(80_877_102, Buffer.alloc(400))), { kind: 'foreign' })
})

test('anything at all is one of the kinds, or too short to tell', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const opening = readOpening(Buffer.from(bytes))
      assert.ok(opening ? typeof opening.kind === 'string' : bytes.length < 8 || bytes[4] === 4)
    }),
  )
})

test('a fatal message has its length, and ends as the protocol wants', () => {
  const bytes = fatalMessage('57P03', 'the database is starting up')
  assert.equal(bytes.toString('latin1', 0, 1), 'E')
  assert.equal(bytes.readUInt32BE(1), bytes.length - 1)
  assert.match(bytes.toString(), /C57P03\0Mthe database is starting up\0\0$/)
})
