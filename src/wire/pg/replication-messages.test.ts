import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { standbyFeedback } from './client-messages.ts'
import {
  keepaliveMessage,
  logMessage,
  parseFromReceiver,
  parseFromSender,
  statusUpdate,
} from './replication-messages.ts'

const NOW = Date.UTC(2026, 0, 1)
const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

/** Of a whole CopyData message. */
function inside(message: Buffer): Buffer {
  assert.equal(message[0], 0x64)
  assert.equal(message.readUInt32BE(1), message.length - 1)
  return message.subarray(5)
}

test('a receiver reads what a sender writes', () => {
  fc.assert(
    fc.property(position, position, fc.array(fc.uint8Array()), fc.boolean(), (start, end, bytes, wantsReply) => {
      const pieces = bytes.map((piece) => Buffer.from(piece))
      assert.deepEqual(parseFromSender(inside(logMessage(start, pieces, { end, now: NOW }))), {
        type: 'data',
        start: BigInt(start),
        data: Buffer.concat(pieces),
      })
      assert.deepEqual(parseFromSender(inside(keepaliveMessage(start, { now: NOW, wantsReply }))), {
        type: 'keepalive',
        sentTo: BigInt(start),
        wantsReply,
      })
    }),
  )
})

test('a sender reads what a receiver writes', () => {
  const update = statusUpdate({ writtenTo: 0x3_0000_0010n, flushedTo: 0x2_0000_0008n, now: NOW })
  const status = { type: 'status', written: 0x3_0000_0010, flushed: 0x2_0000_0008, applied: 0, wantsReply: false }
  assert.deepEqual(parseFromReceiver(update), status)
  update[33] = 1
  assert.deepEqual(parseFromReceiver(update), { ...status, wantsReply: true })
  const feedback = Buffer.alloc(25)
  feedback.write('h')
  feedback.writeUInt32BE(700, 9)
  feedback.writeUInt32BE(2, 13)
  assert.deepEqual(parseFromReceiver(feedback), { type: 'feedback', xmin: 0x2_0000_02bcn, catalogXmin: 0n })
  const oldest = { xmin: 0x2_0000_02bcn, catalogXmin: 0xffff_fff0n }
  assert.deepEqual(parseFromReceiver(standbyFeedback(oldest, NOW).subarray(5)), { type: 'feedback', ...oldest })
})

test('garbage is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 33 }), (bytes) => {
      try {
        assert.equal(parseFromReceiver(Buffer.from(bytes)).type, 'feedback')
      } catch (error) {
        assert.ok(error instanceof SyntaxError || error instanceof RangeError)
      }
    }),
  )
})
