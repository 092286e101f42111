import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BackendWatch, CAPTURED_BYTES_MAX, noticeFields } from './backend-watch.ts'

interface Message {
  readonly type: string
  readonly body: Buffer
}

function encode({ type, body }: Message): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

const messages = fc.array(
  fc.record({
    type: fc.constantFrom('T', 'D', 'C', 'Z', 'N', 'K', 'd'),
    body: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 12 },
)
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 80 })

function pushIn(watch: BackendWatch, stream: Buffer, sizes: readonly number[]): Buffer {
  const passed: Buffer[] = []
  let at = 0
  for (const size of [...sizes, stream.length]) {
    passed.push(...watch.push(stream.subarray(at, at + size)))
    at = Math.min(at + size, stream.length)
  }
  return Buffer.concat(passed)
}

test('everything passes as it came, wherever it is cut, and what is captured is seen whole and in order', () => {
  fc.assert(
    fc.property(messages, cuts, (sent, sizes) => {
      const stream = Buffer.concat(sent.map(encode))
      const seen: Buffer[] = []
      const watch = new BackendWatch('NK', (type, body) => seen.push(encode({ type, body })) > 0)
      assert.deepEqual(pushIn(watch, stream, sizes), stream)
      assert.deepEqual(seen, sent.filter(({ type }) => type === 'N' || type === 'K').map(encode))
    }),
  )
})

test('from the message that is refused on nothing passes, wherever it is cut', () => {
  fc.assert(
    fc.property(messages, messages, cuts, (before, after, sizes) => {
      const harmless = before.map((m) => (m.type === 'N' ? { ...m, type: 'D' } : m))
      const refused = { type: 'N', body: Buffer.from('stop here') }
      const watch = new BackendWatch('N', () => false)
      const passed = pushIn(watch, Buffer.concat([...harmless, refused, ...after].map(encode)), sizes)
      assert.deepEqual(passed, Buffer.concat(harmless.map(encode)))
      assert.ok(watch.stopped)
      assert.deepEqual(watch.push(Buffer.from('more')), [])
    }),
  )
})

test('a message that is not complete is kept back only when it may have to be looked into', () => {
  const watch = new BackendWatch('N', () => true)
  const row = encode({ type: 'D', body: Buffer.alloc(1_000) })
  assert.equal(Buffer.concat(watch.push(row.subarray(0, 500))).length, 500)
  assert.equal(Buffer.concat(watch.push(row.subarray(500))).length, 505)
  const notice = encode({ type: 'N', body: Buffer.alloc(100) })
  assert.deepEqual(watch.push(notice.subarray(0, 104)), [])
  assert.deepEqual(watch.push(notice.subarray(104)), [notice])
})

test('a captured message that is too long passes unseen, and what comes after it is seen', () => {
  const seen: number[] = []
  const watch = new BackendWatch('N', (_type, body) => seen.push(body.length) > 0)
  const long = encode({ type: 'N', body: Buffer.alloc(CAPTURED_BYTES_MAX) })
  const short = encode({ type: 'N', body: Buffer.alloc(7) })
  const stream = Buffer.concat([long, short])
  assert.deepEqual(pushIn(watch, stream, [10, 100, 5_000, 12_000]), stream)
  assert.deepEqual(seen, [7])
})

test('garbage passes, and does not stop the walk', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), cuts, (garbage, sizes) => {
      const passed = pushIn(new BackendWatch('N', () => true), Buffer.from(garbage), sizes)
      assert.deepEqual(passed, Buffer.from(garbage).subarray(0, passed.length))
    }),
  )
})

test('the fields of a notice are read', () => {
  const body = Buffer.from('SWARNING\0VWARNING\0C01000\0Mcanceling wait\0Fsyncrep.c\0L293\0RSyncRepWaitForLSN\0\0')
  assert.equal(noticeFields(body).get('R'), 'SyncRepWaitForLSN')
  assert.equal(noticeFields(body).get('C'), '01000')
  assert.deepEqual(noticeFields(Buffer.from('\0')), new Map())
})
