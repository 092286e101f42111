import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import { FrameDecoder, encodeFrame } from '#wire/agent/frames.ts'
import { LOGNODE_PROTOCOL_VERSION, type FromLogNode, type MemberOrder, type ToLogNode } from '#wire/lognode/messages.ts'
import { AgentBench, created } from '../../tests/support/agent-bench.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { connectLogNode, type ConnectedLogNode } from './log-node.ts'

const HELLO = {
  type: 'hello',
  protocol: LOGNODE_PROTOCOL_VERSION,
  version: '1',
  pid: 7,
  doors: { node: 'a', listening: true, problem: undefined },
  members: [{ volume: 'vol', member: 'a1', state: 'creating' }],
} as const satisfies FromLogNode

/** A process that is started on demand, and says what the test says. */
class ScriptedLogNode {
  launches = 0
  kills = 0
  readonly asked: ToLogNode[] = []
  current: Socket | undefined
  readonly node: ConnectedLogNode
  private readonly path: string
  private readonly server = createServer((socket) => this.serve(socket))
  private readonly hello: () => FromLogNode
  private readonly answer: (message: ToLogNode) => string | undefined

  constructor(
    t: TestContext,
    how: { hello?: () => FromLogNode; answer?: (message: ToLogNode) => string | undefined } = {},
  ) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-lognode-'))
    this.path = join(folder, 'socket')
    this.hello = how.hello ?? (() => HELLO)
    this.answer =
      how.answer ?? ((message) => ('seq' in message ? encodeFrame({ type: 'reply', ...to(message) }) : undefined))
    this.node = connectLogNode({
      dial: async () => {
        const socket = connect(this.path)
        await once(socket, 'connect')
        return socket
      },
      launch: async () => {
        this.launches++
        if (!this.server.listening) this.server.listen(this.path)
      },
      kill: async () => {
        this.kills++
      },
      clock: systemClock,
      log: memoryLog(),
    })
    t.after(() => {
      this.node.close()
      this.current?.destroy()
      this.server.close()
      rmSync(folder, { recursive: true, force: true })
    })
  }

  private serve(socket: Socket): void {
    this.current = socket
    const decoder = new FrameDecoder(10_000)
    socket.on('error', () => {}).write(encodeFrame(this.hello()))
    socket.on('data', (piece: Buffer) => {
      for (const message of decoder.push(piece) as ToLogNode[]) {
        if (message.type !== 'ping') this.asked.push(message)
        if (message.type === 'shut-down') socket.destroy()
        else socket.write(this.answer(message) ?? '')
      }
    })
  }
}

const to = (message: ToLogNode): { to: number } => ({ to: 'seq' in message ? message.seq : 0 })

test('a log node is started when something is first asked of it, and is asked then', async (t) => {
  const scripted = new ScriptedLogNode(t)
  assert.equal(scripted.node.busy, false)
  await scripted.node.remove('vol', 'a1')
  assert.deepEqual(
    scripted.asked.map(({ type }) => type),
    ['remove'],
  )
  assert.equal(scripted.launches, 1)
  assert.equal(scripted.node.busy, true)
  assert.equal(scripted.node.observed()?.pid, 7)
})

test('what it refuses rejects, with its words', async (t) => {
  const answer = (message: ToLogNode): string =>
    encodeFrame({ type: 'refusal', ...to(message), message: 'no room' } as never)
  const { node } = new ScriptedLogNode(t, { answer })
  await assert.rejects(node.prune('vol', 5), /the log node refused: no room/)
})

test('when it dies what was asked rejects, and it is dialled again, as it has members', async (t) => {
  const scripted = new ScriptedLogNode(t, { answer: () => undefined })
  let changes = 0
  scripted.node.onChange(() => changes++)
  const asked = assert.rejects(scripted.node.remove('vol', 'a1'), /went away/)
  await eventually('it was asked', () => scripted.asked[0])
  const before = scripted.current
  before?.destroy()
  await asked
  assert.equal(scripted.node.busy, true)
  await eventually('it is dialled again', () => (scripted.current === before ? undefined : true))
  await eventually('it is connected', () => scripted.node.observed())
  assert.ok(changes >= 3)
})

test('reports change what is seen of it', async (t) => {
  const scripted = new ScriptedLogNode(t)
  await scripted.node.prune('vol', 1)
  const failed = { volume: 'vol', member: 'a2', state: 'failed', reason: 'its disk' } as const
  const reports: FromLogNode[] = [
    { type: 'member', member: failed },
    { type: 'gone', volume: 'vol', member: 'a1' },
    { type: 'doors', doors: { node: 'a', listening: false, problem: 'taken' } },
  ]
  for (const report of reports) scripted.current?.write(encodeFrame(report))
  const seen = await eventually('all is seen', () => {
    const observed = scripted.node.observed()
    return observed?.doors.problem === 'taken' ? observed : undefined
  })
  assert.deepEqual(seen.members, [failed])
})

test('one that speaks another version is asked to end, and another is started', async (t) => {
  let hellos = 0
  const scripted = new ScriptedLogNode(t, {
    hello: () => ({ ...HELLO, protocol: hellos++ === 0 ? LOGNODE_PROTOCOL_VERSION + 1 : LOGNODE_PROTOCOL_VERSION }),
  })
  await scripted.node.prune('vol', 1)
  assert.deepEqual(
    scripted.asked.map(({ type }) => type),
    ['shut-down', 'prune'],
  )
})

test('one that says what cannot be read is hung up on and dialled again', async (t) => {
  const scripted = new ScriptedLogNode(t)
  await scripted.node.prune('vol', 1)
  const before = scripted.current
  before?.write('{"no":"type"}\n')
  await eventually('it is dialled again', () => (scripted.current === before ? undefined : true))
})

test('an agent whose log node has members is not idle, and ends it after the engines', async () => {
  const bench = new AgentBench()
  const ended: string[] = []
  const logNode = {
    busy: true,
    shutDown: async () => void ended.push(`after ${bench.engine.calls.at(-1)}`),
    close: () => void ended.push('left'),
    onChange: () => () => {},
  } as unknown as ConnectedLogNode
  bench.logNode = logNode
  const agent = await bench.agent()
  assert.equal(agent.idle, false)
  await agent.retire()
  assert.deepEqual(ended, ['left'])
  await (await created(bench)).shutDown()
  assert.deepEqual(ended, ['left', 'after stop fast'])
})

test('a member begins with what the seed image has, or with nothing where its peers have it', async () => {
  const bench = new AgentBench()
  const orders: MemberOrder[] = []
  const create = async (order: MemberOrder): Promise<void> => void orders.push(order)
  bench.logNode = { create, onChange: () => () => {} } as unknown as ConnectedLogNode
  const facts = { sizeBytes: 1, engineVersion: '18.4', seed: { systemId: '7', epoch: 1, start: 4_096, end: 8_192 } }
  await bench.volumes.recordSnapshot('seed-1', facts)
  await bench.volumes.recordSnapshot('other', { sizeBytes: 1, engineVersion: '18.4' })
  const agent = await bench.agent()
  await agent.ask('lognode.create', { volume: 'vol', member: 'a1', seed: 'seed-1' })
  await agent.ask('lognode.create', { volume: 'vol', member: 'a3', start: 4_096 })
  const seedPath = join(bench.volumes.snapshotFolder('seed-1'), 'seed.log')
  assert.deepEqual(orders, [
    { volume: 'vol', member: 'a1', start: 4_096, history: [{ epoch: 1, start: 4_096 }], seedPath },
    { volume: 'vol', member: 'a3', start: 4_096, history: [] },
  ])
  for (const seed of ['other', 'absent'])
    await assert.rejects(agent.ask('lognode.create', { volume: 'vol', member: 'a1', seed }), /no volume begins with/)
})

test('a host without a log node says that it keeps no logs', async () => {
  const agent = await new AgentBench().agent()
  assert.deepEqual(await agent.ask('lognode.look', {}), {})
  await assert.rejects(agent.ask('lognode.remove', { volume: 'vol', member: 'a1' }), /keeps no logs/)
})
