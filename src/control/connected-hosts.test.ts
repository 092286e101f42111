import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { dial } from '#host/net.ts'
import type { Socket } from '#host/net.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { FrameDecoder, encodeFrame } from '#wire/agent/frames.ts'
import { AGENT_PROTOCOL_VERSION } from '#wire/agent/messages.ts'
import type { FromAgent, ObservedInstance, ToAgent } from '#wire/agent/messages.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { connectHosts } from './connected-hosts.ts'
import type { ConnectedHosts } from './connected-hosts.ts'
import type { HostReport } from './hosts.ts'
import { DISMISS_MS } from './hosts/limits.ts'

const seen: ObservedInstance = {
  id: 'db-A',
  state: 'running',
  accepting: true,
  pid: 7,
  version: '17.10',
  pendingRestart: [],
  crashes: 0,
  lastError: undefined,
}
const hello = {
  type: 'hello',
  protocol: AGENT_PROTOCOL_VERSION,
  version: '1.0.0',
  az: 'a',
  pid: 42,
  token: 'secret',
  instances: [seen],
} as const

/** An agent as far as the wire shows it: the test says what it sends and reads what it is sent. */
class Puppet {
  private readonly socket: Socket
  private readonly received: ToAgent[] = []
  private readonly waiting: ((message: ToAgent | 'closed') => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    const decoder = new FrameDecoder(1_000_000)
    const give = (message: ToAgent | 'closed'): void => {
      const next = this.waiting.shift()
      if (next) next(message)
      else if (message !== 'closed') this.received.push(message)
    }
    socket.on('data', (piece: Buffer) => (decoder.push(piece) as ToAgent[]).forEach(give))
    socket.on('error', () => {})
    socket.on('close', () => give('closed'))
  }

  static async dial(path: string, ...messages: FromAgent[]): Promise<Puppet> {
    const puppet = new Puppet(await dial({ path }))
    for (const message of messages) puppet.send(message)
    return puppet
  }

  send(message: FromAgent): void {
    this.socket.write(encodeFrame(message))
  }

  write(text: string): void {
    this.socket.write(text)
  }

  next(): Promise<ToAgent | 'closed'> {
    const waiting = this.received.shift()
    if (waiting) return Promise.resolve(waiting)
    if (this.socket.closed) return Promise.resolve('closed')
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  hangUp(): void {
    this.socket.destroy()
  }
}

interface Stage {
  readonly hosts: ConnectedHosts
  readonly socketPath: string
  readonly clock: SimulatedClock
  readonly launched: string[]
  /** Resolves with the first zone whose agent is started. */
  readonly launch: Promise<string>
  readonly reports: HostReport[]
  /** Resolves with the next report. */
  report(): Promise<HostReport>
}

async function stage(t: TestContext): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-hosts-'))
  const socketPath = join(root, 'serve.sock')
  const clock = new SimulatedClock()
  const launched: string[] = []
  const first = Promise.withResolvers<string>()
  const hosts = await connectHosts({
    socketPath,
    token: 'secret',
    zones: ['a', 'b'],
    async launch(zone) {
      launched.push(zone)
      first.resolve(zone)
    },
    version: '1.0.0',
    clock,
    log: memoryLog(),
  })
  t.after(async () => {
    await hosts.close()
    rmSync(root, { recursive: true })
  })
  const reports: HostReport[] = []
  const waiting: ((report: HostReport) => void)[] = []
  hosts.onReport((report) => {
    reports.push(report)
    waiting.shift()?.(report)
  })
  const report = (): Promise<HostReport> => new Promise((resolve) => waiting.push(resolve))
  return { hosts, socketPath, clock, launched, launch: first.promise, reports, report }
}

test('an agent is started at the first need of its zone, and the request waits for it', async (t) => {
  const { hosts, socketPath, launched, reports } = await stage(t)
  assert.deepEqual(launched, [])
  const asked = hosts.job('a', 'j1')
  assert.deepEqual(launched, ['a'])
  const agent = await Puppet.dial(socketPath, hello)
  assert.deepEqual(await agent.next(), { type: 'welcome' })
  assert.deepEqual(await agent.next(), { type: 'get-job', jobId: 'j1', seq: 1 })
  agent.send({ type: 'reply', to: 1, value: { state: 'absent' } })
  assert.deepEqual(await asked, { state: 'absent' })
  assert.deepEqual(
    reports.map(({ type }) => type),
    ['connected', 'observed'],
  )
  assert.deepEqual(hosts.status(), [
    { zone: 'a', agentPid: 42, instances: 1 },
    { zone: 'b', agentPid: undefined, instances: 0 },
  ])
})

test('reports come with what was seen before', async (t) => {
  const { hosts, socketPath, report } = await stage(t)
  const connected = report()
  const agent = await Puppet.dial(socketPath, hello)
  await connected
  const changed = report()
  const stopped = { ...seen, state: 'stopped', accepting: false } as const
  agent.send({ type: 'observed', instance: stopped })
  assert.deepEqual(await changed, {
    type: 'observed',
    zone: 'a',
    instance: JSON.parse(JSON.stringify(stopped)) as unknown,
    before: JSON.parse(JSON.stringify(seen)) as unknown,
  })
  const ended = report()
  agent.send({ type: 'gone', id: 'db-A' })
  agent.send({ type: 'job', jobId: 'j', view: { state: 'succeeded', result: {} } })
  assert.deepEqual(await ended, { type: 'job', zone: 'a', jobId: 'j', view: { state: 'succeeded', result: {} } })
  assert.equal(hosts.observed('a', 'db-A'), undefined)
})

for (const [what, message] of [
  ['a wrong token', { ...hello, token: 'guess!' }],
  ['an unknown zone', { ...hello, az: 'z' }],
  ['a reply before the hello', { type: 'reply', to: 1, value: {} }],
] as const) {
  test(`${what} ends the connection`, async (t) => {
    const { hosts, socketPath } = await stage(t)
    const agent = await Puppet.dial(socketPath, message)
    assert.equal(await agent.next(), 'closed')
    assert.equal(hosts.status()[0]?.agentPid, undefined)
  })
}

test('garbage and silence end the connection', async (t) => {
  const { socketPath, clock, hosts } = await stage(t)
  const noisy = await Puppet.dial(socketPath)
  noisy.write('GET / HTTP/1.1\n')
  assert.equal(await noisy.next(), 'closed')
  const silent = await Puppet.dial(socketPath)
  const agent = await Puppet.dial(socketPath, hello)
  assert.deepEqual(await agent.next(), { type: 'welcome' })
  await clock.advance(6_000)
  assert.equal(await silent.next(), 'closed')
  assert.equal(hosts.status()[0]?.agentPid, 42)
})

for (const other of [{ version: '0.9.0' }, { protocol: AGENT_PROTOCOL_VERSION + 1 }]) {
  test(`an agent with ${JSON.stringify(other)} is asked to retire, and a new one is started when it has`, async (t) => {
    const { hosts, socketPath, launched, launch } = await stage(t)
    const old = await Puppet.dial(socketPath, { ...hello, ...other })
    assert.deepEqual(await old.next(), { type: 'retire' })
    assert.equal(hosts.status()[0]?.agentPid, undefined)
    assert.deepEqual(launched, [])
    old.hangUp()
    assert.equal(await launch, 'a')
  })
}

test('a lost agent fails its requests as retryable, and is started again unless it comes back', async (t) => {
  const { hosts, socketPath, launched, clock } = await stage(t)
  const asked = hosts.job('a', 'j1')
  const agent = await Puppet.dial(socketPath, hello)
  await agent.next()
  await agent.next()
  agent.hangUp()
  await assert.rejects(asked, { name: 'Trouble', retryable: true })
  assert.deepEqual(launched, ['a'])
  await clock.advance(150)
  assert.deepEqual(launched, ['a', 'a'])
  const back = await Puppet.dial(socketPath, hello)
  await back.next()
  await clock.advance(60_000)
  assert.deepEqual(launched, ['a', 'a'])
})

test('a request fails as retryable when no agent comes or none answers', async (t) => {
  const { hosts, socketPath, clock } = await stage(t)
  const lonely = assert.rejects(hosts.job('b', 'j1'), { name: 'Trouble', retryable: true })
  await clock.advance(25_000)
  await lonely
  const agent = await Puppet.dial(socketPath, hello)
  await agent.next()
  const ignored = assert.rejects(hosts.job('a', 'j1'), { name: 'Trouble', retryable: true })
  await agent.next()
  await clock.advance(65_000)
  await ignored
  const refused = assert.rejects(hosts.job('a', 'j2'), /refused: not now/)
  await agent.next()
  agent.send({ type: 'refusal', to: 2, message: 'not now' })
  await refused
})

test('a new connection of a zone takes the place of the old one', async (t) => {
  const { hosts, socketPath } = await stage(t)
  const old = await Puppet.dial(socketPath, hello)
  await old.next()
  const fresh = await Puppet.dial(socketPath, { ...hello, pid: 43, instances: [] })
  await fresh.next()
  assert.equal(await old.next(), 'closed')
  assert.deepEqual(hosts.status()[0], { zone: 'a', agentPid: 43, instances: 0 })
})

test('stopping everything waits until the agents have hung up, and starts none', async (t) => {
  const { hosts, socketPath, launched, clock } = await stage(t)
  const agent = await Puppet.dial(socketPath, hello)
  await agent.next()
  await hosts.rouse('a')
  let stopped = false
  const stopping = hosts.shutDownAll().then(() => (stopped = true))
  assert.deepEqual(await agent.next(), { type: 'shut-down' })
  assert.equal(stopped, false)
  agent.hangUp()
  await stopping
  await clock.advance(60_000)
  assert.deepEqual(launched, [])
})

test('an agent without instances that is asked nothing may go, and is not started again until it is needed', async (t) => {
  const { hosts, socketPath, clock, launched } = await stage(t)
  const asked = hosts.job('a', 'x')
  const puppet = await Puppet.dial(socketPath, { ...hello, instances: [] })
  assert.deepEqual(await puppet.next(), { type: 'welcome' })
  const request = (await puppet.next()) as { seq: number }
  puppet.send({ type: 'reply', to: request.seq, value: { state: 'absent' } })
  await asked
  await clock.advance(DISMISS_MS)
  assert.deepEqual(await puppet.next(), { type: 'dismiss' })
  const before = launched.length
  puppet.hangUp()
  await eventually('the agent is gone', () => (hosts.status()[0]!.agentPid === undefined ? true : undefined))
  await clock.advance(10 * DISMISS_MS)
  assert.equal(launched.length, before)
  hosts.job('a', 'y').catch(() => {})
  assert.equal(launched.length, before + 1)
})
