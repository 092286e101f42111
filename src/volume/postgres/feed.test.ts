import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, afterEach, test } from 'node:test'
import fc from 'fast-check'
import { memoryLog } from '#base/memory-log.ts'
import { dial } from '#host/net.ts'
import { systemRandom } from '#host/random.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { listenTcp } from '#host/tcp.ts'
import { scramVerifier } from '#trust/scram.ts'
import { statusUpdate } from '#wire/pg/replication-messages.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { HeldLog } from '../../../tests/support/held-log.ts'
import { WalReader } from '../../../tests/support/wal-reader.ts'
import { Feed, type FeedOptions } from './feed.ts'
import { AHEAD_MS_MAX, OPENING_MS_MAX, SENT_ON_MS, SILENCE_ASKED_MS, SILENCE_MS_MAX } from './limits.ts'

const START = 0x1000000
const verifier = await scramVerifier('secret', { salt: systemRandom.bytes(16) })
const clock = new SimulatedClock()
const lines = memoryLog()
let log = new HeldLog(START)
let admit: FeedOptions['admit'] = () => ({ verifier, source: log })
const feed = new Feed({
  clock,
  random: systemRandom,
  log: lines,
  admit: (user, reader) => (user === 'gone' ? 'later' : user === 'volume' ? admit(user, reader) : undefined),
})
const server = await listenTcp({ host: '127.0.0.1', port: 0 }, (socket) => feed.accept(socket))
const { port } = server.address() as AddressInfo
const readers: WalReader[] = []

after(() => server.close())
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()))
  await eventually('all are gone', () => (feed.readers().length === 0 ? true : undefined))
  assert.equal(log.watched, 0)
  assert.deepEqual(lines.complaints, [])
  log = new HeldLog(START)
})

let names = 0

async function open(reader = `r${++names}`, config = {}): Promise<WalReader> {
  const login = { port, user: 'volume', password: 'secret', application_name: reader, ...config }
  const opened = await WalReader.open(login)
  readers.push(opened)
  return opened
}

/** A reader that streams the first timeline from the beginning. */
async function follow(reader?: string): Promise<WalReader> {
  const opened = await open(reader)
  const { started, ended } = opened.start(START, 1)
  ended.catch(() => {})
  await started
  return opened
}

const arrived = (reader: WalReader, text: string): Promise<true> =>
  eventually(`'${text}' at a reader`, () => (reader.received.toString() === text ? true : undefined))

test('a reader is told whose log it is, and nothing but the log is here', async () => {
  log.append(Buffer.from('abc'))
  const reader = await open()
  assert.deepEqual(await reader.row('IDENTIFY_SYSTEM'), {
    systemid: '7000000000000000001',
    timeline: '1',
    xlogpos: '0/1000003',
    dbname: null,
  })
  assert.deepEqual(await reader.row('SHOW wal_segment_size'), { wal_segment_size: '16MB' })
  await assert.rejects(reader.row('SHOW ssl'), { code: '42704' })
  await assert.rejects(reader.row('SELECT 1'), { code: '0A000' })
  await assert.rejects(reader.row('TIMELINE_HISTORY 2'), { code: '58P01' })
  assert.deepEqual((await reader.client.query('')).rows, [])
})

test('whoever is not who it says, or comes for something else, is refused', async () => {
  await assert.rejects(open('r', { password: 'other' }), { code: '28P01' })
  await assert.rejects(open('r', { user: 'nobody' }), { code: '28P01' })
  await assert.rejects(open('r', { user: 'gone' }), { code: '57P03' })
  await assert.rejects(open('r', { replication: 'database' }), { code: '0A000' })
})

test('a reader has what is durable, and what more is released for it', async () => {
  log.isDurableAtOnce = false
  const [one, two] = [await follow('one'), await follow('two')]
  log.append(Buffer.from('abcdef'))
  log.show(START + 2)
  await Promise.all([arrived(one, 'ab'), arrived(two, 'ab')])
  log.release('two', START + 5)
  await arrived(two, 'abcde')
  log.show(START + 3)
  await arrived(one, 'abc')
})

test('all that comes in one turn goes out at once', async () => {
  const reader = await follow()
  for (const text of ['a', 'b', 'c']) log.append(Buffer.from(text))
  await arrived(reader, 'abc')
  assert.equal(reader.messages, 1)
})

test('a timeline ends where the next one begins, once that has something to show', async () => {
  const reader = await open()
  const { started, ended } = reader.start(START, 1)
  await started
  log.append(Buffer.from('abcd'))
  log.isDurableAtOnce = false
  log.adopt(4, START + 4)
  log.append(Buffer.from('e'))
  await arrived(reader, 'abcd')
  // Whatever is said of an epoch that may yet come to nothing would be heard by now.
  const other = await open('other')
  assert.equal((await other.row('IDENTIFY_SYSTEM'))['timeline'], '1')
  log.show(START + 5)
  assert.deepEqual(await ended, { next_tli: '4', next_tli_startpos: '0/1000004' })
  assert.equal(reader.received.toString(), 'abcd')
  assert.equal((await reader.row('IDENTIFY_SYSTEM'))['timeline'], '4')
  assert.match(String((await reader.row('TIMELINE_HISTORY 3'))['content']), /^#/)
  assert.match(String((await reader.row('TIMELINE_HISTORY 4'))['content']), /^1\t0\/1000004\t/)
  assert.deepEqual(await reader.start(START + 4, 1).ended, { next_tli: '4', next_tli_startpos: '0/1000004' })
  // A receiver begins with the segment, which is older than the timeline.
  const { started: again } = reader.start(START, 4)
  await again
  await arrived(reader, 'abcde')
})

test('of a timeline that is over, no reader hears that it goes on: an old writer would take that for what it has', async () => {
  log.append(Buffer.from('abcd'))
  log.adopt(2, START + 4)
  log.append(Buffer.from('efgh'))
  const reader = await open()
  assert.equal((await reader.start(START, 1).ended)?.next_tli, '2')
  assert.equal(reader.saidEnd, START + 4)
  await reader.start(START, 2).started
  await arrived(reader, 'abcdefgh')
  assert.equal(reader.saidEnd, START + 8)
})

test('an epoch that comes to nothing was never heard of', async () => {
  const reader = await open()
  const { started, ended } = reader.start(START, 1)
  await started
  log.append(Buffer.from('abcd'))
  await arrived(reader, 'abcd')
  log.isDurableAtOnce = false
  log.adopt(2, START + 4)
  log.append(Buffer.from('xyz'))
  log.adopt(3, START + 4)
  log.append(Buffer.from('e'))
  log.show(START + 5)
  assert.deepEqual(await ended, { next_tli: '3', next_tli_startpos: '0/1000004' })
  assert.equal(reader.received.toString(), 'abcd')
})

test('a reader that ends its stream goes on with another command', async () => {
  const reader = await open()
  const { started, ended } = reader.start(START, 1)
  await started
  reader.stop()
  assert.equal(await ended, undefined)
  assert.equal((await reader.row('IDENTIFY_SYSTEM'))['timeline'], '1')
})

test('a reader whose log forked off is told so', async () => {
  log.append(Buffer.from('abcd'))
  log.adopt(2, START + 2)
  log.append(Buffer.from('xyz'))
  const words = /requested starting point 0\/1000004 on timeline 1 is not in this server's history/
  const reader = await open()
  await assert.rejects(reader.start(START + 4, 1).ended, words)
  await assert.rejects(reader.start(START, 3).ended, /requested timeline 3 is not in this server's history/)
  // It asks for the whole segment, and says only then how far it has come.
  log.isDurableAtOnce = false
  log.adopt(3, START + 5)
  const { started, ended } = reader.start(START, 2)
  await started
  const update = statusUpdate({ writtenTo: 0n, flushedTo: 0n, now: clock.now() })
  update.writeBigUInt64BE(BigInt(START + 6), 17)
  reader.say(update)
  await assert.rejects(ended, /requested starting point 0\/1000006 on timeline 2 is not in this server's history/)
})

test('log that is not kept any more is said to be removed', async () => {
  log.append(Buffer.from('abcdef'))
  log.forget(START + 2)
  const reader = await open()
  await assert.rejects(reader.start(START, 1).ended, { code: '58P01', message: /000000010000000000000001 has already/ })
  const { started } = reader.start(START + 2, 1)
  await started
  await arrived(reader, 'cdef')
})

test('a reader that is ahead waits, is sent on, and is welcome later', async () => {
  log.append(Buffer.from('ab'))
  const reader = await open()
  const { started, ended } = reader.start(START + 4, 1)
  ended.catch(() => {})
  await started
  log.append(Buffer.from('cdef'))
  await arrived(reader, 'ef')
  const late = await open('late')
  const waiting = late.start(START + 9, 1)
  await waiting.started
  const refused = assert.rejects(waiting.ended, { code: '57P03' })
  await clock.advance(AHEAD_MS_MAX + 2_000)
  await refused
  await assert.rejects(open('late'), { code: '57P03' })
  await open('another')
  await clock.advance(SENT_ON_MS)
  await open('late')
})

test('a reader that does not read is waited for, holds nobody up, and gets all of it', async () => {
  const [slow, quick] = [await follow('slow'), await follow('quick')]
  slow.socket.pause()
  const block = Buffer.alloc(1 << 20, 'x')
  for (let count = 0; count < 32; count++) log.append(block)
  await eventually('the other has all', () => (quick.end === log.end ? true : undefined))
  const sent = feed.readers().find(({ reader }) => reader === 'slow')!.sent!
  assert.ok(sent < log.end, 'what is not read is not sent')
  slow.socket.resume()
  await eventually('it has all', () => (slow.end === log.end ? true : undefined))
})

test('a reader that finds the log behind its own timeline is sent on', async () => {
  const reader = await open('ahead')
  await reader.row('IDENTIFY_SYSTEM')
  await reader.close()
  await eventually('it is gone', () => (feed.readers().length === 0 ? true : undefined))
  await assert.rejects(open('ahead'), { code: '57P03' })
  await clock.advance(SENT_ON_MS)
  await open('ahead')
})

test('a reader that is silent is asked, and left when it does not answer', async () => {
  const [dead, alive] = [await follow('dead'), await follow('alive')]
  const update = statusUpdate({ writtenTo: 5n, flushedTo: 4n, now: clock.now() })
  // The answer is the sign that it was heard.
  update[33] = 1
  for (let passed = 0; passed <= SILENCE_MS_MAX; passed += SILENCE_ASKED_MS / 2) {
    const { keepalives } = alive
    alive.say(update)
    await eventually('it was heard', () => (alive.keepalives > keepalives ? true : undefined))
    await clock.advance(SILENCE_ASKED_MS / 2)
  }
  await eventually('one is left', () => (feed.readers().length === 1 ? true : undefined))
  assert.deepEqual([dead.asked, alive.asked], [1, 0])
  const [status] = feed.readers()
  assert.deepEqual([status?.reader, status?.written, status?.flushed], ['alive', 5, 4])
})

test('who never says who it is does not stay', async () => {
  const socket = await dial({ host: '127.0.0.1', port })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  // It has been taken in once it is answered.
  socket.write(Buffer.from('0000000804d2162f', 'hex'))
  await new Promise((resolve) => socket.once('data', resolve))
  await clock.advance(OPENING_MS_MAX + 2_000)
  await closed
})

test('all readers of a log that is gone are sent away', async () => {
  const reader = await open()
  const { started, ended } = reader.start(START, 1)
  await started
  const over = assert.rejects(ended)
  feed.dismiss(log)
  assert.equal(feed.readers().length, 1, 'who still may, stays')
  const admitted = admit
  admit = () => undefined
  feed.dismiss(log)
  await over
  admit = admitted
})

test('a reader that proves who it is while its log goes does not stay', async () => {
  const gone = log
  const admitted = admit
  admit = () => {
    admit = () => 'later'
    return { verifier, source: gone }
  }
  const reader = await open()
  await assert.rejects(reader.row('IDENTIFY_SYSTEM'))
  admit = admitted
})

test('log that cannot be read back is not served', async (t) => {
  const reader = await open()
  const { started, ended } = reader.start(START, 1)
  await started
  const over = assert.rejects(ended, { code: 'XX001' })
  t.mock.method(log, 'read', () => {
    throw new Error('a checksum is wrong')
  })
  log.append(Buffer.from('abc'))
  await over
  assert.equal(reader.received.length, 0)
  assert.deepEqual(lines.complaints, ['a reader cannot be fed'])
  ;(lines.lines as unknown[]).length = 0
})

test('a reader whose every byte comes alone is understood', async () => {
  const socket = await dial({ host: '127.0.0.1', port })
  socket.setNoDelay(true)
  const said: Buffer[] = []
  socket.on('data', (bytes: Buffer) => said.push(bytes))
  const words = Buffer.from('\0\0\0\0\0\x03\0\0user\0volume\0replication\0true\0\0')
  words.writeUInt32BE(words.length)
  for (const byte of words) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve))
  await eventually('it is asked for a password', () =>
    Buffer.concat(said).toString().includes('SCRAM-SHA-256') ? true : undefined,
  )
  socket.destroy()
})

test('garbage ends a connection, and nothing else', async () => {
  const reader = await follow()
  const garbage = fc.uint8Array({ minLength: 8, maxLength: 200 })
  const opening = Buffer.from('\0\0\0\x2a\0\x03\0\0user\0volume\0replication\0true\0\0')
  opening.writeUInt32BE(opening.length)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(Buffer.alloc(0), opening), garbage, async (first, bytes) => {
      const socket = await dial({ host: '127.0.0.1', port })
      socket.resume()
      const closed = new Promise((resolve) => socket.once('close', resolve).once('error', resolve))
      socket.end(Buffer.concat([first, bytes]))
      await closed
    }),
    { numRuns: 60 },
  )
  log.append(Buffer.from('abc'))
  await arrived(reader, 'abc')
})
