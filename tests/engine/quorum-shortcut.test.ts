import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { TLSSocket, connect as connectTls } from 'node:tls'
import { dialMutualTls } from '#host/mutual-tls.ts'
import { SHORTCUT_PROTOCOL } from '#host/shortcut.ts'
import { encodeFrame } from '#wire/quorum/codec.ts'
import { headName, logNodeName } from '#wire/quorum/identity.ts'
import type { Append } from '#wire/quorum/messages.ts'
import { QUORUM_PROTOCOL_VERSION } from '#wire/quorum/opening.ts'
import { eventually } from '../support/eventually.ts'
import type { TestNode } from '../support/log-nodes.ts'
import { ScriptedMember, TestAuthority, TestHead, headContext, openNode } from '../support/log-nodes.ts'

const authority = await TestAuthority.open()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-shortcut-'))
after(async () => {
  await authority.close()
  await rm(folder, { recursive: true, force: true })
})

async function node(t: TestContext, name: string): Promise<TestNode & { readonly path: string }> {
  const path = join(folder, `${name}.sock`)
  const opened = await openNode(authority, name, { shortcut: path })
  t.after(() => opened.close())
  return Object.assign(opened, { path })
}

async function dialled(t: TestContext, { address }: TestNode, name: string): Promise<Socket> {
  const context = await authority.context(name)
  const socket = await dialMutualTls({ address, context, name: logNodeName(address.node), patienceMs: 10_000 })
  t.after(() => socket.destroy())
  return socket.on('error', () => {})
}

/** What is offered to the head of `vol`, over a connection that lasts until the end of the test. */
async function offered(t: TestContext, { address }: TestNode): Promise<{ secure: TLSSocket; token: string }> {
  const secureContext = await headContext(authority, 'vol')
  const secure = connectTls({
    ...address,
    secureContext,
    servername: 'a',
    ALPNProtocols: [SHORTCUT_PROTOCOL],
    checkServerIdentity: () => undefined,
  })
  t.after(() => secure.destroy())
  const [words] = (await once(secure, 'data')) as [Buffer]
  return { secure, token: words.toString().split(' ')[0]! }
}

/** What is answered to these words at the socket; undefined: nothing, and an end. */
async function answer(t: TestContext, path: string, words: string): Promise<Buffer | undefined> {
  const socket = connect(path).on('error', () => {})
  t.after(() => socket.destroy())
  socket.write(words)
  const ended = new Promise<undefined>((resolve) => socket.once('close', () => resolve(undefined)))
  return Promise.race([new Promise<Buffer>((resolve) => socket.once('data', resolve)), ended])
}

test('callers on the same machine go on without ciphers, and are who their certificates say', async (t) => {
  const a = await node(t, 'a')
  assert.equal((await stat(a.path)).mode & 0o777, 0o600)
  const member = new ScriptedMember((session, message) => {
    if (message.type === 'append')
      a.server.send(session, 'a1', { type: 'flushed', epoch: 1, end: message.position + message.bytes.length })
  })
  a.server.add('vol', 'a1', member)
  const one = new TestHead({ volume: 'vol', epoch: 1, context: await headContext(authority, 'vol') })
  t.after(() => one.links.close())
  one.links.place(new Map([['a1', a.address]]))
  await eventually('the head is connected', () => (one.connected.has('a1') ? true : undefined))
  const append: Append = {
    type: 'append',
    epoch: 1,
    position: 0,
    bytes: Buffer.alloc(300_000, 7),
    durable: 0,
    sync: 'now',
  }
  one.links.send(['a1'], append)
  await eventually('it has answered', () => one.heard[0])
  assert.deepEqual(member.heard[0]?.message, append)
  const stranger = await dialled(t, a, headName('other'))
  assert.equal(stranger instanceof TLSSocket, false)
  const hello = {
    type: 'hello',
    protocol: QUORUM_PROTOCOL_VERSION,
    volume: 'vol',
    who: { role: 'head', epoch: 9 },
  } as const
  stranger.write(Buffer.concat([...encodeFrame([], hello), ...encodeFrame(['a1'], { type: 'seal', epoch: 9 })]))
  stranger.resume()
  await once(stranger, 'close')
  assert.equal(member.heard.length, 1)
  assert.deepEqual(a.log.complaints.length, 1)
})

test('a token lets in once, and only as long as the connection lasts on which it was told', async (t) => {
  const a = await node(t, 'a')
  const [first, second] = [await offered(t, a), await offered(t, a)]
  assert.equal(await answer(t, a.path, 'f'.repeat(64)), undefined)
  assert.equal(await answer(t, a.path, `${first.token}more`), undefined)
  assert.deepEqual(await answer(t, a.path, first.token), Buffer.of(1))
  assert.equal(await answer(t, a.path, first.token), undefined)
  second.secure.destroy()
  // A caller of its own shows that the door has seen the end of the other.
  await eventually('it is forgotten', async () => ((await answer(t, a.path, second.token)) ? undefined : true))
  assert.deepEqual(a.refused, [])
})

test('who cannot take the shortcut stays with TLS; so do all where there can be none', async (t) => {
  const a = await node(t, 'a')
  a.server.add('vol', 'a1', new ScriptedMember())
  await rm(a.path)
  const socket = await dialled(t, a, headName('vol'))
  assert.ok(socket instanceof TLSSocket)
  const hello = {
    type: 'hello',
    protocol: QUORUM_PROTOCOL_VERSION,
    volume: 'vol',
    who: { role: 'head', epoch: 1 },
  } as const
  socket.write(Buffer.concat(encodeFrame([], hello)))
  const [welcome] = (await once(socket, 'data')) as [Buffer]
  assert.deepEqual(welcome, Buffer.concat(encodeFrame(['a1'], { type: 'welcome' })))
  const b = await openNode(authority, 'b', { shortcut: join(folder, 'absent', 'b.sock') })
  t.after(() => b.close())
  assert.match(b.refused[0]!.message, /no shortcut/)
  assert.ok((await dialled(t, b, headName('vol'))) instanceof TLSSocket)
})
