import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameDecoder, FrameError, encodeFrame } from './frames.ts'

const messages = fc.array(fc.record({ type: fc.string({ unit: 'binary' }), body: fc.jsonValue() }), { maxLength: 5 })

/** What a message looks like after JSON: `-0` becomes `0`. */
const seen = (message: unknown): unknown => JSON.parse(JSON.stringify(message))

test('messages come out as they went in, wherever the stream is cut', () => {
  fc.assert(
    fc.property(messages, (sent) => {
      const stream = Buffer.from(sent.map(encodeFrame).join(''))
      for (let cut = 0; cut <= stream.length; cut++) {
        const decoder = new FrameDecoder(1_000_000)
        const received = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))]
        assert.deepEqual(received, sent.map(seen))
      }
    }),
    { numRuns: 50 },
  )
})

test('messages come out as they went in, byte by byte', () => {
  fc.assert(
    fc.property(messages, (sent) => {
      const decoder = new FrameDecoder(1_000_000)
      const received = [...Buffer.from(sent.map(encodeFrame).join(''))].flatMap((byte) => decoder.push(Buffer.of(byte)))
      assert.deepEqual(received, sent.map(seen))
    }),
  )
})

test('garbage is refused or gives objects with a type, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      try {
        for (const document of new FrameDecoder(100).push(Buffer.from(garbage))) {
          assert.equal(typeof document.type, 'string')
        }
      } catch (error) {
        assert.ok(error instanceof FrameError)
      }
    }),
  )
})

test('a message that is too long is refused before its end is there', () => {
  const decoder = new FrameDecoder(10)
  decoder.push(Buffer.from('12345'))
  assert.throws(() => decoder.push(Buffer.from('678901')), FrameError)
})

test('the limit holds for one message, not for the stream', () => {
  const decoder = new FrameDecoder(20)
  for (let i = 0; i < 10; i++)
    assert.deepEqual(decoder.push(Buffer.from('{"type":"observed"}\n')), [{ type: 'observed' }])
})

for (const line of ['', 'nonsense', 'null', '[]', '{}', '{"type":1}']) {
  test(`the line '${line}' is refused`, () => {
    assert.throws(() => new FrameDecoder(100).push(Buffer.from(`${line}\n`)), FrameError)
  })
}
