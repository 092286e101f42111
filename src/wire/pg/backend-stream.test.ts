import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BackendStream } from './backend-stream.ts'

type Sent =
  | { readonly type: 'log'; readonly start: number; readonly bytes: Uint8Array }
  | { readonly type: string; readonly body: Uint8Array }

function encode(sent: Sent): Buffer {
  const isLog = 'start' in sent
  const body = isLog ? Buffer.concat([logHeader(sent.start), sent.bytes]) : sent.body
  const head = Buffer.alloc(5)
  head.write(isLog ? 'd' : sent.type, 'latin1')
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

function logHeader(start: number): Buffer {
  const header = Buffer.alloc(25, 0xee)
  header.write('w', 'latin1')
  header.writeBigUInt64BE(BigInt(start), 1)
  return header
}

const anySent: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({ type: fc.constant('log' as const), start: fc.maxSafeInteger().map(Math.abs), bytes: fc.uint8Array() }),
  fc.record({ type: fc.constantFrom('R', 'S', 'Z', 'D', 'E'), body: fc.uint8Array() }),
  fc.constant<Sent>({ type: 'd', body: Buffer.from('k and more than that') }),
  fc.constant<Sent>({ type: 'd', body: Buffer.alloc(0) }),
)

test('whatever was sent is read, in order, wherever it is cut', () => {
  fc.assert(
    fc.property(fc.array(anySent, { maxLength: 12 }), fc.array(fc.nat(600)), (all, cuts) => {
      const bytes = Buffer.concat(all.map(encode))
      const seen: string[] = []
      const stream = new BackendStream({
        log: (position, piece) => piece.forEach((byte, n) => seen.push(`${position + n} ${byte}`)),
        message: (type, body) => seen.push(`${type} ${body.toString('hex')}`),
      })
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b)
      for (const [n, from] of places.entries()) {
        // As from a socket: what was read before is overwritten.
        const piece = Buffer.from(bytes.subarray(from, places[n + 1] ?? from))
        stream.feed(piece)
        piece.fill(0)
      }
      const expected = all.flatMap((sent) =>
        'start' in sent
          ? [...sent.bytes].map((byte, n) => `${sent.start + n} ${byte}`)
          : [`${sent.type} ${Buffer.from(sent.body).toString('hex')}`],
      )
      assert.deepEqual(seen, expected)
    }),
  )
})

test('a message that no server sends is refused', () => {
  const stream = (): BackendStream => new BackendStream({ log: () => {}, message: () => {} })
  assert.throws(() => stream().feed(Buffer.from('Z\0\0\0\x03')), RangeError)
  assert.throws(() => stream().feed(Buffer.from('Z\xff\xff\xff\xff', 'latin1')), RangeError)
  assert.throws(() => stream().feed(Buffer.from('d\0\0\0\x06w!')), RangeError)
})
