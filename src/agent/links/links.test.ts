/** Ways to distant sources, over real sockets of this machine. What takes time is measured from below only. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { specOf } from '../../../tests/support/scripted-engine.ts'
import { LINK_BYTES_MAX } from '../limits.ts'
import { Links } from './links.ts'
import { freePort } from '../../../tests/support/free-port.ts'

const DELAY_MS = 40

/** Says back what it hears, unless it is told to count it. */
class Source {
  readonly server: Server
  readonly sockets = new Set<Socket>()
  isEcho = true

  constructor() {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.sockets.delete(socket))
      if (this.isEcho) socket.pipe(socket)
    })
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }
}

async function newSource(t: TestContext): Promise<Source> {
  const source = new Source()
  source.server.listen(0, '127.0.0.1')
  await once(source.server, 'listening')
  t.after(() => {
    source.server.close()
    for (const socket of source.sockets) socket.destroy()
  })
  return source
}

const follower = (port: number, source: Source, delayMs = DELAY_MS): Parameters<Links['look']>[0] => {
  const link = { port, delayMs }
  const to = { host: '127.0.0.1', port: source.port, caPem: '', link }
  return {
    id: 'db-A',
    spec: {
      ...specOf('db-A'),
      replication: { role: 'standby', name: 'r', followers: [], source: to, readable: true },
    },
  }
}

function newLinks(t: TestContext): Links {
  const links = new Links({ clock: systemClock, log: memoryLog() })
  t.after(() => links.end())
  return links
}

/** An engine's connection to what listens there, once something does. */
const dial = (t: TestContext, port: number): Promise<Socket> =>
  eventually(`a connection to ${port}`, async () => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    try {
      await once(socket, 'connect')
    } catch {
      return undefined
    }
    t.after(() => socket.destroy())
    return socket.on('error', () => {})
  })

const isCut = (socket: Socket): Promise<true> =>
  eventually('a connection that is cut', () => (socket.closed ? true : undefined))

async function ask(socket: Socket, text: string): Promise<{ answer: string; ms: number }> {
  const began = performance.now()
  socket.write(text)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return { answer: bytes.toString(), ms: performance.now() - began }
}

test('everything takes the delay, each way; another delay holds for connections that are there', async (t) => {
  const source = await newSource(t)
  const links = newLinks(t)
  const port = await freePort()
  links.look(follower(port, source))
  const socket = await dial(t, port)
  const { answer, ms } = await ask(socket, 'one')
  assert.equal(answer, 'one')
  assert.ok(ms >= 2 * DELAY_MS, `${ms} ms`)
  links.look(follower(port, source, 5 * DELAY_MS))
  const later = await ask(socket, 'two')
  assert.ok(later.ms >= 10 * DELAY_MS, `${later.ms} ms`)
})

test('more than may be on its way arrives whole and in order, with its end', async (t) => {
  const source = await newSource(t)
  const links = newLinks(t)
  const port = await freePort()
  links.look(follower(port, source))
  const socket = await dial(t, port)
  const sent = randomBytes(2 * LINK_BYTES_MAX + 12_345)
  const heard = createHash('sha256')
  socket.on('data', (bytes: Buffer) => heard.update(bytes))
  socket.end(sent)
  await once(socket, 'end')
  assert.equal(heard.digest('hex'), createHash('sha256').update(sent).digest('hex'))
  await eventually('no connection left', () => (source.sockets.size === 0 ? true : undefined))
})

test('a source that takes nothing holds its sender up', async (t) => {
  const source = await newSource(t)
  source.isEcho = false
  const links = newLinks(t)
  const port = await freePort()
  links.look(follower(port, source))
  const socket = await dial(t, port)
  const piece = randomBytes(1_024 * 1_024)
  let sent = 0
  // Buffers of the system are on both sides of what the way itself takes.
  const most = LINK_BYTES_MAX + 64 * piece.length
  while (socket.write(piece) || (await drains(socket))) {
    sent += piece.length
    assert.ok(sent <= most, 'the sender is never held up')
  }
  assert.ok(sent >= LINK_BYTES_MAX)
})

/** Whether it goes on within a time in which all the delays are over many times. */
async function drains(socket: Socket): Promise<boolean> {
  const patience = AbortSignal.timeout(25 * DELAY_MS)
  return once(socket, 'drain', { signal: patience }).then(
    () => true,
    () => false,
  )
}

test('a connection that is cut on one side is cut on the other', async (t) => {
  const source = await newSource(t)
  const links = newLinks(t)
  const port = await freePort()
  links.look(follower(port, source))
  const first = await dial(t, port)
  await ask(first, 'hello')
  for (const socket of source.sockets) socket.resetAndDestroy()
  await isCut(first)
  const second = await dial(t, port)
  await ask(second, 'hello')
  second.resetAndDestroy()
  await eventually('no connection left', () => (source.sockets.size === 0 ? true : undefined))
})

test('a source that has moved is the one that is reached, and the way to the old one is cut', async (t) => {
  const [before, after] = [await newSource(t), await newSource(t)]
  const links = newLinks(t)
  const port = await freePort()
  links.look(follower(port, before))
  const socket = await dial(t, port)
  await ask(socket, 'hello')
  links.look(follower(port, after))
  await isCut(socket)
  assert.equal((await ask(await dial(t, port), 'again')).answer, 'again')
  assert.equal(after.sockets.size, 1)
  await eventually('the old one left', () => (before.sockets.size === 0 ? true : undefined))
})

test('a port that somebody has is waited for; one that is needed no more is free', async (t) => {
  const source = await newSource(t)
  const stranger = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  const { port } = stranger.address() as AddressInfo
  const links = newLinks(t)
  links.look(follower(port, source))
  stranger.close()
  await once(stranger, 'close')
  const socket = await dial(t, port)
  await eventually('the source', () => (source.sockets.size === 1 ? true : undefined))
  assert.equal((await ask(socket, 'hello')).answer, 'hello')
  links.look({ id: 'db-A', spec: specOf('db-A') })
  await isCut(socket)
  await eventually('a free port', async () => {
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => undefined,
    )
    server.close()
    return isFree
  })
})
