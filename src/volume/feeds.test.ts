import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { systemRandom } from '#host/random.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { listenTcp } from '#host/tcp.ts'
import { scramVerifier } from '#trust/scram.ts'
import { ARCHIVER, FEED_BEHIND_MS_MAX, LED } from '#wire/quorum/archiver.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { WalReader } from '../../tests/support/wal-reader.ts'
import { Feeds } from './feeds.ts'
import { UNHEARD_MS_MAX } from './limits.ts'

const START = 0x1000000
const verifierOf = (password: string): Promise<string> => scramVerifier(password, { salt: systemRandom.bytes(16) })
const clock = new SimulatedClock()
const feeds = new Feeds({ clock, random: systemRandom, log: memoryLog() })
const server = await listenTcp({ host: '127.0.0.1', port: 0 }, (socket) => feeds.accept(socket))
const { port } = server.address() as AddressInfo
after(() => {
  feeds.close()
  server.close()
})

const member = {
  history: [{ epoch: 1, start: START }],
  first: START,
  durable: START + 2,
  shownTo: () => START + 2,
  read: () => ({ epoch: 1, bytes: Buffer.from('ab') }),
}
let names = 0
const open = (user: string, password: string, reader = `r${++names}`): Promise<WalReader> =>
  WalReader.open({ port, user, password, application_name: reader })

test('each volume has readers of its own, as long as it has a member here', async () => {
  const facts = { systemId: '7', verifier: await verifierOf('of-a') }
  const source = feeds.open('a', facts)
  feeds.open('b', { systemId: '8', verifier: await verifierOf('of-b') }).add({ ...member })
  await assert.rejects(open('a', 'of-a'), { code: '57P03' })
  source.add(member)
  const reader = await open('a', 'of-a')
  assert.equal((await reader.row('IDENTIFY_SYSTEM'))['systemid'], '7')
  await assert.rejects(open('a', 'of-b'), { code: '28P01' })
  assert.deepEqual([feeds.readers('a').length, feeds.readers('b').length], [1, 0])
  assert.equal(feeds.open('a', { ...facts, verifier: await verifierOf('new') }), source)
  await reader.close()
  await (await open('a', 'new')).close()
  const { started, ended } = (await open('b', 'of-b')).start(START, 1)
  await started
  const over = assert.rejects(ended)
  feeds.drop('b')
  await over
  await assert.rejects(open('b', 'of-b'), { code: '28P01' })
})

test('readers go elsewhere when no head is heard, and are welcome when one is', async () => {
  const verifier = await verifierOf('secret')
  feeds.open('c', { systemId: '9', verifier }).add(member)
  const reader = await open('c', 'secret')
  const { started, ended } = reader.start(START, 1)
  await started
  await clock.advance(UNHEARD_MS_MAX)
  feeds.look()
  assert.equal(feeds.readers('c').length, 1)
  await clock.advance(1)
  const over = assert.rejects(ended)
  feeds.look()
  await over
  await eventually('it is gone', () => (feeds.readers('c').length === 0 ? true : undefined))
  await assert.rejects(open('c', 'secret'), { code: '57P03' })
  feeds.heard('c')
  await (await open('c', 'secret')).close()
})

test('an archiver stays when no head is heard, and is told so', async () => {
  assert.ok(FEED_BEHIND_MS_MAX > UNHEARD_MS_MAX, 'what a head said before it fell silent is known by then')
  feeds.open('d', { systemId: '10', verifier: await verifierOf('secret') }).add(member)
  const archiver = await open('d', 'secret', ARCHIVER)
  assert.equal((await archiver.row('IDENTIFY_SYSTEM'))['dbname'], LED)
  await clock.advance(UNHEARD_MS_MAX + 1)
  feeds.look()
  assert.equal((await archiver.row('IDENTIFY_SYSTEM'))['dbname'], null)
  await archiver.close()
  await (await open('d', 'secret', ARCHIVER)).close()
  await assert.rejects(open('d', 'secret'), { code: '57P03' })
})
