import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '#base/assert.ts'
import { FrameError } from '../agent/frames.ts'
import { QuorumDecoder, encodeFrame } from './codec.ts'
import { FRAME_BYTES_MAX, HISTORY_ENTRIES_MAX, MEMBERS_MAX, OPENING_BYTES_MAX, PAYLOAD_BYTES_MAX } from './limits.ts'
import type { Frame, WireMessage } from './opening.ts'

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const position = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const name = fc.stringMatching(/^[\w.-]{1,40}$/)
const text = fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text).toString())
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const history = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.nat(2 ** 40)), { maxLength: 6 })
  .map((steps) => {
    let [epoch, start] = [0, 0]
    return steps.map(([more, further]) => ({ epoch: (epoch += more), start: (start += further) }))
  })
const who = fc.oneof(
  fc.record({ role: fc.constant('head' as const), epoch: u32 }, { noNullPrototype: true }),
  fc.record({ role: fc.constant('peer' as const), member: name }, { noNullPrototype: true }),
)

/** One of every type; a type that is missing does not compile. */
const BY_TYPE: { readonly [T in WireMessage['type']]: Record<string, fc.Arbitrary<unknown>> } = {
  hello: { protocol: u32, volume: name, who },
  welcome: {},
  'turned-away': { reason: text },
  present: {},
  seal: { epoch: u32 },
  adopt: { epoch: u32, history },
  append: { epoch: u32, position, bytes, durable: position, sync: fc.constantFrom('now', 'soon') },
  durable: { epoch: u32, durable: position },
  release: { epoch: u32, reader: text, position },
  repair: { epoch: u32, from: name, position },
  ping: { epoch: u32, sequence: position },
  sealed: { epoch: u32, history, end: position, durable: position, first: position },
  refused: { epoch: u32, promised: u32 },
  adopted: { epoch: u32, last: u32, end: position },
  flushed: { epoch: u32, end: position },
  gap: { epoch: u32, end: position },
  pong: { epoch: u32, sequence: position, xmin: u64, catalogXmin: u64 },
  read: { position, bytesMax: u32 },
  piece: { position, dataEpoch: u32, bytes },
}

const message = fc.oneof(
  ...Object.entries(BY_TYPE).map(([type, fields]) =>
    fc.record({ type: fc.constant(type), ...fields }, { noNullPrototype: true }),
  ),
) as fc.Arbitrary<WireMessage>
const frame: fc.Arbitrary<Frame> = fc.record(
  { members: fc.array(name, { maxLength: MEMBERS_MAX }), message },
  { noNullPrototype: true },
)

const encoded = (frames: readonly Frame[]): Buffer =>
  Buffer.concat(frames.flatMap((one) => encodeFrame(one.members, one.message)))

test('frames come out as they went in, wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 3 }), (sent) => {
      const stream = encoded(sent)
      for (let cut = 0; cut <= stream.length; cut++) {
        const decoder = new QuorumDecoder()
        const received = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))]
        assert.deepEqual(received, sent)
      }
    }),
    { numRuns: 60 },
  )
})

test('frames come out as they went in, byte by byte', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), (sent) => {
      const decoder = new QuorumDecoder()
      const received = [...encoded(sent)].flatMap((byte) => [...decoder.push(Buffer.of(byte))])
      assert.deepEqual(received, sent)
    }),
  )
})

test('garbage is refused or gives frames that can be sent again, and nothing else happens', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    // With a length that is right, so that what follows is looked at.
    fc.uint8Array({ maxLength: 100 }).map((body) => Buffer.concat([Buffer.of(0, 0, 0, body.length), body])),
    // A whole frame in which one byte is another one.
    fc.tuple(frame, fc.nat(), fc.nat(255)).map(([one, at, value]) => {
      const stream = encoded([one])
      stream[at % stream.length] = value
      return stream
    }),
  )
  fc.assert(
    fc.property(garbage, (stream) => {
      try {
        for (const one of new QuorumDecoder().push(Buffer.from(stream))) encodeFrame(one.members, one.message)
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a payload is sent as it is, and read without a copy where it came in one piece', () => {
  const payload = Buffer.alloc(5_000, 7)
  const append = { type: 'append', epoch: 3, position: 10, bytes: payload, durable: 9, sync: 'now' } as const
  const [header, second] = encodeFrame(['a1', 'a2'], append)
  assert.equal(second, payload)
  const piece = Buffer.concat([header, payload])
  const [received] = [...new QuorumDecoder().push(piece)]
  assert.ok(received?.message.type === 'append')
  assert.equal(received.message.bytes.buffer, piece.buffer)
  assert.equal(received.message.bytes.byteOffset, piece.byteOffset + header.length)
})

test('a frame that is too long is refused by its length, before anything is kept for it', () => {
  const decoder = new QuorumDecoder(OPENING_BYTES_MAX)
  assert.throws(() => [...decoder.push(Buffer.of(0xff, 0xff, 0xff, 0xff))], FrameError)
  const opening = new QuorumDecoder(OPENING_BYTES_MAX)
  opening.allow(FRAME_BYTES_MAX)
  const largest = { type: 'piece', position: 0, dataEpoch: 1, bytes: Buffer.alloc(PAYLOAD_BYTES_MAX) } as const
  assert.equal([...opening.push(encoded([{ members: ['a1'], message: largest }]))].length, 1)
})

test('the longest history fits into a frame', () => {
  const longest = Array.from({ length: HISTORY_ENTRIES_MAX }, (_, at) => ({ epoch: at + 1, start: at * 2 ** 20 }))
  const message = { type: 'adopt', epoch: 2 ** 32 - 1, history: longest } as const
  const [received] = [...new QuorumDecoder().push(encoded([{ members: [], message }]))]
  assert.deepEqual(received, { members: [], message })
  const longer = { ...message, history: [...longest, { epoch: 2 ** 32 - 1, start: 2 ** 50 }] }
  assert.throws(() => encodeFrame([], longer), InvariantError)
})

test('a history that goes backwards is refused', () => {
  const backwards = [
    { epoch: 2, start: 10 },
    { epoch: 1, start: 20 },
  ]
  const stream = encoded([{ members: [], message: { type: 'adopt', epoch: 3, history: backwards } }])
  assert.throws(() => [...new QuorumDecoder().push(stream)], FrameError)
})

test('what is not a name, or longer than its limit, is never sent', () => {
  for (const bad of ['', 'a b', 'ä', 'x'.repeat(129)])
    assert.throws(() => encodeFrame([bad], { type: 'seal', epoch: 1 }), InvariantError, bad)
  const bytes = Buffer.alloc(PAYLOAD_BYTES_MAX + 1)
  assert.throws(() => encodeFrame([], { type: 'piece', position: 0, dataEpoch: 1, bytes }), InvariantError)
  assert.throws(() => encodeFrame([], { type: 'seal', epoch: -1 }), RangeError)
})
