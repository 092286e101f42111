import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, test, type TestContext } from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { dialMutualTls } from '#host/mutual-tls.ts'
import type { Socket } from '#host/net.ts'
import type { LogNodeAddress } from '#volume/head-links.ts'
import { encodeFrame } from '#wire/quorum/codec.ts'
import { headName, logNodeName } from '#wire/quorum/identity.ts'
import { PAYLOAD_BYTES_MAX } from '#wire/quorum/limits.ts'
import type { Append, Piece } from '#wire/quorum/messages.ts'
import { QUORUM_PROTOCOL_VERSION, type Hello } from '#wire/quorum/opening.ts'
import { eventually } from '../support/eventually.ts'
import { ScriptedMember, TestAuthority, TestHead, TestNode, headContext, openNode } from '../support/log-nodes.ts'

const authority = await TestAuthority.open()
after(() => authority.close())

const append = (bytes: Buffer, position = 0): Append => {
  return { type: 'append', epoch: 1, position, bytes, durable: 0, sync: 'now' }
}

const hello = (volume: string, who: Hello['who'], protocol = QUORUM_PROTOCOL_VERSION): Buffer =>
  Buffer.concat(encodeFrame([], { type: 'hello', protocol, volume, who }))

async function node(t: TestContext, name: string): Promise<TestNode> {
  const opened = await openNode(authority, name)
  t.after(() => opened.close())
  return opened
}

async function head(t: TestContext, volume: string, epoch = 1): Promise<TestHead> {
  const made = new TestHead({ volume, epoch, context: await headContext(authority, volume) })
  t.after(() => made.links.close())
  return made
}

/** A connection as the head of `volume`, for saying what no head says. */
async function caller(t: TestContext, { address }: TestNode, name: string): Promise<Socket> {
  const context = await authority.context(name)
  const socket = await dialMutualTls({ address, context, name: logNodeName(address.node), patienceMs: 10_000 })
  t.after(() => socket.destroy())
  socket
    .on('error', () => {})
    .on('end', () => socket.destroy())
    .resume()
  return socket
}

const places = (of: Readonly<Record<string, LogNodeAddress>>): Map<string, LogNodeAddress> =>
  new Map(Object.entries(of))

/** A member that says that all it got is on its disk. */
function flushing(on: TestNode, volume: string, id: string): ScriptedMember {
  const member = new ScriptedMember((session, message) => {
    if (message.type === 'append')
      on.server.send(session, id, { type: 'flushed', epoch: 1, end: message.position + message.bytes.length })
  })
  on.server.add(volume, id, member)
  return member
}

test('a head reaches the members of its volume wherever they are, and hears who answers', async (t) => {
  const [a, b, one] = [await node(t, 'a'), await node(t, 'b'), await head(t, 'vol')]
  const members = { a1: flushing(a, 'vol', 'a1'), a2: flushing(a, 'vol', 'a2'), b1: flushing(b, 'vol', 'b1') }
  const other = flushing(a, 'other', 'x1')
  one.links.place(places({ a1: a.address, a2: a.address, b1: b.address, b2: b.address }))
  await eventually('all that are there are connected', () => (one.connected.size === 3 ? true : undefined))
  const sizes = [0, 1, 100, 16_384, 100_000, PAYLOAD_BYTES_MAX]
  for (const [at, size] of sizes.entries())
    assert.deepEqual(one.links.send(['a1', 'a2', 'b1', 'b2'], append(Buffer.alloc(size, at))).toSorted(), [
      'a1',
      'a2',
      'b1',
    ])
  await eventually('all have answered everything', () => (one.heard.length === 3 * sizes.length ? true : undefined))
  for (const [id, member] of Object.entries(members)) {
    assert.deepEqual(
      member.heard.map(({ message }) => message.type === 'append' && message.bytes),
      sizes.map((size, at) => Buffer.alloc(size, at)),
    )
    assert.deepEqual(
      one.heard.filter((heard) => heard.member === id).map(({ message }) => message.type === 'flushed' && message.end),
      sizes,
    )
  }
  assert.deepEqual(other.heard, [])
  assert.deepEqual([...a.log.complaints, ...b.log.complaints, ...one.log.complaints], [])
})

test('members come and go under a head that stays connected', async (t) => {
  const [a, one] = [await node(t, 'a'), await head(t, 'vol')]
  one.links.place(places({ a1: a.address, a2: a.address }))
  flushing(a, 'vol', 'a1')
  await eventually('the first is connected', () => (one.connected.has('a1') ? true : undefined))
  flushing(a, 'vol', 'a2')
  await eventually('the second is connected', () => (one.connected.size === 2 ? true : undefined))
  a.server.drop('vol', 'a1')
  await eventually('the first is lost', () => (one.connected.has('a1') ? undefined : true))
  assert.deepEqual(one.links.send(['a1', 'a2'], { type: 'seal', epoch: 1 }), ['a2'])
  one.links.place(places({ a1: a.address }))
  assert.deepEqual([...one.connected], [])
})

test('a log node that dies and comes back is found again', async (t) => {
  const [a, one] = [await node(t, 'a'), await head(t, 'vol')]
  const member = flushing(a, 'vol', 'a1')
  one.links.place(places({ a1: a.address }))
  await eventually('it is connected', () => (one.connected.has('a1') ? true : undefined))
  one.links.send(['a1'], { type: 'seal', epoch: 1 })
  const first = await eventually('it has heard', () => member.heard[0])
  a.close()
  await eventually('it is lost', () => (one.connected.has('a1') ? undefined : true))
  assert.deepEqual(member.left, [first.session])
  assert.deepEqual(one.links.send(['a1'], { type: 'seal', epoch: 1 }), [])
  flushing(a, 'vol', 'a1')
  await a.open()
  await eventually('it is connected again', () => (one.connected.has('a1') ? true : undefined))
})

test('who is not the head of that volume, by its certificate, is turned away', async (t) => {
  const [a, vol] = [await node(t, 'a'), await head(t, 'vol')]
  const member = flushing(a, 'vol', 'a1')
  vol.links.place(places({ a1: a.address }))
  const callers: [string, Buffer][] = [
    [headName('other'), hello('vol', { role: 'head', epoch: 9 })],
    [logNodeName('b'), hello('vol', { role: 'head', epoch: 9 })],
    [headName('vol'), hello('vol', { role: 'peer', member: 'b1' })],
    [headName('vol'), hello('vol', { role: 'head', epoch: 9 }, QUORUM_PROTOCOL_VERSION + 1)],
  ]
  for (const [name, words] of callers) {
    const socket = await caller(t, a, name)
    socket.write(Buffer.concat([words, ...encodeFrame(['a1'], { type: 'seal', epoch: 9 })]))
    await once(socket, 'close')
  }
  await eventually('the right one is let in', () => (vol.connected.has('a1') ? true : undefined))
  assert.deepEqual(member.heard, [])
  assert.equal(a.log.complaints.length, callers.length)
})

test('a certificate of an endpoint, of another authority, or none opens no door; nor is one dialled with such', async (t) => {
  const a = await node(t, 'a')
  const stranger = await TestAuthority.open()
  t.after(() => stranger.close())
  const name = logNodeName('a')
  const contexts = [
    await authority.context(headName('vol'), 'server'),
    await stranger.context(headName('vol')),
    undefined,
  ]
  for (const [at, context] of contexts.entries()) {
    if (context) {
      const refused = dialMutualTls({ address: a.address, context, name, patienceMs: 10_000 }).then(async (socket) => {
        // In TLS 1.3 the one who dials is done before it hears what the other thinks of it.
        socket.on('error', () => {}).resume()
        await once(socket, 'close')
      })
      await refused.catch(() => {})
    } else {
      const socket = connect(a.address.port, '127.0.0.1').on('error', () => {})
      socket.end('GET / HTTP/1.1\r\n\r\n').resume()
      await once(socket, 'close')
    }
    await eventually('it was refused', () => (a.refused.length === at + 1 ? true : undefined))
  }
  const false1 = new TestNode('a', await stranger.issue(name))
  const false2 = new TestNode('a', await authority.issue(logNodeName('b')))
  for (const impostor of [false1, false2]) {
    await impostor.open()
    t.after(() => impostor.close())
    const context = await headContext(authority, 'vol')
    await assert.rejects(dialMutualTls({ address: impostor.address, context, name, patienceMs: 10_000 }))
  }
})

test('garbage, and what only others say, ends a connection and nothing else', async (t) => {
  const [a, one] = [await node(t, 'a'), await head(t, 'vol')]
  const member = flushing(a, 'vol', 'a1')
  one.links.place(places({ a1: a.address }))
  await eventually('a head is connected', () => (one.connected.has('a1') ? true : undefined))
  const asHead = hello('vol', { role: 'head', epoch: 2 })
  const words = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat(encodeFrame(['a1'], { type: 'seal', epoch: 2 })),
    Buffer.concat([asHead, Buffer.alloc(4, 0xff)]),
    Buffer.concat([asHead, ...encodeFrame(['a1'], { type: 'seal', epoch: 3 })]),
    Buffer.concat([asHead, ...encodeFrame(['a1'], { type: 'read', position: 0, bytesMax: 1 })]),
    Buffer.concat([asHead, asHead]),
  ]
  for (const said of words) {
    const socket = await caller(t, a, headName('vol'))
    socket.write(said)
    await once(socket, 'close')
  }
  assert.deepEqual(member.heard, [])
  assert.deepEqual([...one.connected], ['a1'])
})

test('a closed session is read no further, not even what has come already', async (t) => {
  const a = await node(t, 'a')
  const member = new ScriptedMember((session) => a.server.close(session))
  const second = new ScriptedMember()
  a.server.add('vol', 'a1', member)
  a.server.add('vol', 'a2', second)
  const socket = await caller(t, a, headName('vol'))
  const seals = [1, 2, 3].flatMap(() => encodeFrame(['a1', 'a2'], { type: 'seal', epoch: 1 }))
  socket.write(Buffer.concat([hello('vol', { role: 'head', epoch: 1 }), ...seals]))
  await once(socket, 'close')
  assert.deepEqual([member.heard.length, second.heard.length], [1, 0])
  assert.deepEqual([member.left.length, second.left.length], [1, 1])
})

test('members read from each other, on other hosts and on their own; where nobody answers, that is said', async (t) => {
  const [a, b] = [await node(t, 'a'), await node(t, 'b')]
  const bytes = Buffer.alloc(500_000, 5)
  for (const [on, id] of [
    [a, 'a2'],
    [b, 'b1'],
  ] as const)
    on.server.add(
      'vol',
      id,
      new ScriptedMember((session, message) => {
        assert.equal(message.type, 'read')
        on.server.send(session, id, { type: 'piece', position: message.position, dataEpoch: 4, bytes })
      }),
    )
  const ask = (asked: string, position: number): Promise<Piece | undefined> =>
    new Promise((resolve) => {
      a.server.ask({ volume: 'vol', asker: 'a1', asked }, { type: 'read', position, bytesMax: 9 }, resolve)
    })
  assert.equal(await ask('b1', 1), undefined)
  a.server.place('vol', places({ a1: a.address, a2: a.address, b1: b.address, b2: b.address }))
  const asked = ['a2', 'b1', 'b1'].map((id, at) => ask(id, at))
  for (const [position, piece] of (await Promise.all(asked)).entries())
    assert.deepEqual(piece, { type: 'piece', position, dataEpoch: 4, bytes })
  assert.equal(await ask('b2', 1), undefined)
  b.server.drop('vol', 'b1')
  assert.equal(await ask('b1', 1), undefined)
  // One that asks again as soon as it hears that there is no answer gets one for each question.
  const again = await new Promise((resolve) => {
    a.server.ask({ volume: 'vol', asker: 'a1', asked: 'b1' }, { type: 'read', position: 1, bytesMax: 9 }, () =>
      resolve(ask('b1', 2)),
    )
  })
  assert.equal(again, undefined)
})

test('a caller that does not read what it asks for is given up, and others are served', async (t) => {
  const [a, one] = [await node(t, 'a'), await head(t, 'vol')]
  const bytes = Buffer.alloc(PAYLOAD_BYTES_MAX)
  const member = new ScriptedMember((session, message) => {
    if (message.type === 'read') a.server.send(session, 'a1', { type: 'piece', position: 0, dataEpoch: 1, bytes })
  })
  a.server.add('vol', 'a1', member)
  const socket = await caller(t, a, logNodeName('b'))
  socket.pause()
  socket.write(hello('vol', { role: 'peer', member: 'b1' }))
  const read = Buffer.concat(encodeFrame(['a1'], { type: 'read', position: 0, bytesMax: PAYLOAD_BYTES_MAX }))
  await eventually('it is given up', () => {
    if (member.left.length > 0) return true
    if (!socket.destroyed) socket.write(read)
    return undefined
  })
  assert.ok(member.heard.length > 50)
  one.links.place(places({ a1: a.address }))
  await eventually('a head is connected', () => (one.connected.has('a1') ? true : undefined))
})

test('a log node that takes connections and answers nothing is dialled again', async (t) => {
  const clock = new SimulatedClock()
  const [a, context] = [await node(t, 'a'), await headContext(authority, 'vol')]
  const silent = new ScriptedMember()
  a.server.add('vol', 'a1', silent)
  const one = new TestHead({ volume: 'vol', epoch: 1, context, clock })
  t.after(() => one.links.close())
  one.links.place(places({ a1: a.address }))
  await eventually('it is connected', () => (one.connected.has('a1') ? true : undefined))
  // Nothing is owed before something is asked.
  await clock.advance(60_000)
  assert.deepEqual([...one.connected], ['a1'])
  one.links.send(['a1'], { type: 'ping', epoch: 1, sequence: 1 })
  await clock.advance(6_000)
  await eventually('the session is over', () => (silent.left.length === 1 ? true : undefined))
  await eventually('it is connected again', async () => {
    await clock.advance(100)
    return one.connected.has('a1') ? true : undefined
  })
})

test('one that accepts connections and never says a word is given up and tried again', async (t) => {
  const clock = new SimulatedClock()
  const mute = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  let dialled = 0
  mute.on('connection', (socket) => {
    dialled++
    t.after(() => socket.destroy())
  })
  t.after(() => mute.close())
  const { port } = mute.address() as AddressInfo
  const { HeadLinks } = await import('#volume/head-links.ts')
  const links = new HeadLinks({
    volume: 'vol',
    epoch: 1,
    dial: async ({ host }) => {
      const socket = connect(port, host)
      await once(socket, 'connect')
      return socket
    },
    clock,
    log: (await head(t, 'vol')).log,
    onMessage: () => {},
    onConnected: () => assert.fail('nobody said welcome'),
    onLost: () => {},
  })
  t.after(() => links.close())
  links.place(places({ a1: { node: 'a', host: '127.0.0.1', port } }))
  await eventually('it was dialled three times', async () => {
    await clock.advance(1_000)
    return dialled >= 3 ? true : undefined
  })
})
