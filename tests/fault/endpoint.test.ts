/** A real endpoint process: killed, doubled, left alone by serve, stopped in order. Connections and routes must outlive what they can. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { memoryLog } from '#base/memory-log.ts'
import type { ConnectedEndpoints } from '#control/connected-endpoints.ts'
import { isAlive, processOf, signal, whenGone, type ProcessIdentity } from '#host/process.ts'
import type { Route } from '#wire/endpoint/messages.ts'
import { launchEndpoint, recordedEndpoint } from '../../src/role/endpoint-process.ts'
import { openHostAgents } from '../../src/role/host-agents.ts'
import { openHostEndpoints } from '../../src/role/host-endpoints.ts'
import { stateFolder } from '../../src/role/state-folder.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

const SLEEPING_AGENT = [process.execPath, fileURLToPath(new URL('../support/sleeping-agent.ts', import.meta.url))]
const STARTUP = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])

/** One state folder with an engine that says back what it hears; serve's end can go and come back. */
class Stage {
  readonly state: string
  readonly route: Route
  endpoints!: ConnectedEndpoints

  private constructor(state: string, route: Route) {
    this.state = state
    this.route = route
  }

  static async open(t: TestContext, env: Record<string, string> = {}): Promise<Stage> {
    const state = await mkdtemp(join(tmpdir(), 'holdfast-endpoint-'))
    const sockets = new Set<Socket>()
    const engine = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).pipe(socket)
    })
    await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve))
    const stage = new Stage(state, {
      id: 'endpoint-1',
      listenAddress: '127.0.0.1',
      port: await freePort(),
      targets: [{ host: '127.0.0.1', port: (engine.address() as AddressInfo).port, name: 'a' }],
      mode: 'splice',
      state: 'open',
      allowedSources: ['127.0.0.0/8'],
      holdMs: 60_000,
    })
    await stage.connect(env)
    t.after(async () => {
      await stage.endpoints.shutDown()
      stage.endpoints.close()
      const left = await stage.process()
      assert.ok(!left || !isAlive(left), 'no endpoint process is left over')
      engine.close()
      for (const socket of sockets) socket.destroy()
      await rm(state, { recursive: true, force: true })
    })
    return stage
  }

  async connect(env: Record<string, string> = {}): Promise<void> {
    this.endpoints = await openHostEndpoints({ state: this.state, log: memoryLog(), env: { ...process.env, ...env } })
  }

  process(): Promise<ProcessIdentity | undefined> {
    return recordedEndpoint(stateFolder(this.state))
  }

  async kill(): Promise<ProcessIdentity> {
    const identity = (await this.process())!
    signal(identity, 'SIGKILL')
    await whenGone(identity)
    return identity
  }

  /** A client that has heard itself through the endpoint. */
  async client(t: TestContext): Promise<Client> {
    return eventually('a client gets through', async () => {
      const client = new Client(this.route.port)
      t.after(() => client.socket.destroy())
      client.socket.write(STARTUP)
      await client.echoes('hello')
      return client
    })
  }
}

class Client {
  readonly socket: Socket
  private heard = ''
  private closed = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' })
    this.socket.on('data', (piece: Buffer) => (this.heard += piece.toString('latin1')))
    this.socket.on('error', () => {}).on('close', () => (this.closed = true))
  }

  async echoes(text: string): Promise<void> {
    this.socket.write(text)
    await eventually(
      `${text} comes back, or the connection has ended`,
      () => this.heard.endsWith(text) || this.closed || undefined,
    )
    if (this.closed) throw new Error('the connection was lost')
  }

  async isLost(): Promise<void> {
    await eventually('the connection is lost', () => this.closed || undefined)
  }
}

test('connections go on while serve is away, and it finds the same process again', async (t) => {
  const stage = await Stage.open(t)
  await stage.endpoints.apply(stage.route)
  assert.equal(statSync(stateFolder(stage.state).endpointRoutes).mode & 0o077, 0)
  const client = await stage.client(t)
  const before = await stage.process()
  stage.endpoints.close()
  await client.echoes('nobody is there')
  await stage.client(t)
  await stage.connect()
  await eventually('serve sees the route again', () => stage.endpoints.observed('endpoint-1'))
  assert.deepEqual(await stage.process(), before)
  await client.echoes('serve is back')
})

test('a killed endpoint process comes back with its routes, and a client can come in at once', async (t) => {
  const stage = await Stage.open(t)
  await stage.endpoints.apply(stage.route)
  const client = await stage.client(t)
  const killed = await stage.kill()
  await client.isLost()
  await stage.client(t)
  assert.notDeepEqual(await stage.process(), killed)
  await eventually('serve is connected to it', () => stage.endpoints.observed('endpoint-1')?.listening || undefined)
})

test('an agent starts a killed endpoint process again while serve is away', async (t) => {
  const stage = await Stage.open(t)
  const hosts = await openHostAgents({
    state: stage.state,
    log: memoryLog(),
    program: SLEEPING_AGENT,
    env: process.env,
  })
  await hosts.rouse('a')
  const agent = await eventually('the agent is connected', () => hosts.status()[0]?.agentPid)
  t.after(async () => {
    const left = processOf(agent)
    if (left && signal(left, 'SIGTERM')) await left.exited
  })
  await stage.endpoints.apply(stage.route)
  await stage.client(t)
  stage.endpoints.close()
  await hosts.close()
  await stage.kill()
  await stage.client(t)
  await stage.connect()
})

test('a second process ends by itself, and the first goes on', async (t) => {
  const stage = await Stage.open(t)
  await stage.endpoints.apply(stage.route)
  const client = await stage.client(t)
  const first = await stage.process()
  const { HOLDFAST_CRASH_AT: _, ...env } = process.env
  const second = await launchEndpoint(stateFolder(stage.state), env as Record<string, string>, memoryLog())
  await whenGone(second)
  assert.deepEqual(await stage.process(), first)
  await client.echoes('still here')
})

test('an ordered stop ends connections, frees the port and leaves the routes for the next start', async (t) => {
  const stage = await Stage.open(t)
  await stage.endpoints.apply(stage.route)
  const client = await stage.client(t)
  await stage.endpoints.shutDown()
  stage.endpoints.close()
  await client.isLost()
  assert.ok(!existsSync(stateFolder(stage.state).endpointIdentity))
  await stage.connect()
  await stage.client(t)
})

for (const point of ['endpoint:apply.kept', 'endpoint:remove.kept']) {
  test(`killed at ${point}, the request can be repeated and is then in force`, async (t) => {
    const stage = await Stage.open(t, { HOLDFAST_CRASH_AT: point })
    const retried = (run: () => Promise<void>): Promise<true> =>
      eventually('the request is done', () => run().then(() => true))
    await retried(() => stage.endpoints.apply(stage.route))
    await stage.client(t)
    await retried(() => stage.endpoints.remove(stage.route.id))
    assert.equal(stage.endpoints.observed(stage.route.id), undefined)
    const late = new Client(stage.route.port)
    await late.isLost()
  })
}
