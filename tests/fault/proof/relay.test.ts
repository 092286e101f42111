import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, beforeEach, afterEach, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { openRelay, type Relay } from './relay.ts'

let server: Server
/** What the server has received, by connection; it answers every byte with the same. */
let received: { socket: Socket; text: string; gone: boolean }[]
let relay: Relay

before(async () => {
  server = createServer((socket) => {
    const one = { socket, text: '', gone: false }
    received.push(one)
    socket.on('error', () => {})
    socket.on('close', () => (one.gone = true))
    socket.on('data', (bytes) => {
      one.text += bytes.toString()
      socket.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())

beforeEach(async () => {
  received = []
  relay = await openRelay({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
})
afterEach(() => relay.close())

async function client(): Promise<{ socket: Socket; text(): string; gone(): boolean }> {
  const socket = connect(relay.port, '127.0.0.1')
  let text = ''
  let gone = false
  socket.on('data', (bytes) => (text += bytes.toString()))
  socket.on('close', () => (gone = true))
  socket.on('error', () => {})
  await once(socket, 'connect')
  await eventually('the server has the connection', () => received[0])
  return { socket, text: () => text, gone: () => gone }
}

const comes = (what: string, look: () => boolean): Promise<true> => eventually(what, () => (look() ? true : undefined))

test('bytes go both ways, and an end is passed on', async () => {
  const { socket, text, gone } = await client()
  socket.write('one')
  await comes('the answer', () => text() === 'one')
  socket.end()
  await comes('the end at the server', () => received[0]!.gone)
  await comes('the end at the client', gone)
})

test('on a cut link nothing arrives, and everything in order once it is mended', async () => {
  const { socket, text } = await client()
  relay.cut('to-client')
  socket.write('one')
  await comes('what goes the other way', () => received[0]!.text === 'one')
  relay.cut('to-server')
  socket.write('two')
  assert.deepEqual([received[0]!.text, text()], ['one', ''])
  relay.mend()
  await comes('all of it', () => text() === 'onetwo')
})

test('delayed bytes keep their order', async () => {
  const { socket, text } = await client()
  relay.delay(30)
  socket.write('a')
  await comes('the first at the server', () => received[0]!.text === 'a')
  relay.delay(0)
  socket.write('b')
  await comes('both', () => text() === 'ab')
})

test('a half-open connection is gone at the server, and the client does not know', async () => {
  const { socket, gone } = await client()
  relay.halfOpen()
  await comes('the end at the server', () => received[0]!.gone)
  socket.write('anybody there?')
  assert.equal(gone(), false)
})

test('a reset ends the connection on both sides, and the next one works', async () => {
  const first = await client()
  relay.reset()
  await comes('the end at the client', first.gone)
  await comes('the end at the server', () => received[0]!.gone)
  const second = await client()
  second.socket.write('again')
  await comes('the answer', () => second.text() === 'again')
})
