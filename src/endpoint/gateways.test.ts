/** Gateways over real sockets of this machine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock, type Clock } from '#host/clock.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import type { Route, SplicedRoute } from '#wire/endpoint/messages.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { openGateways, type Gateways, type RouteTable } from './gateways.ts'
import { freePort } from '../../tests/support/free-port.ts'

const STARTUP = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
const MIB = 1_024 * 1_024

const comes = (check: () => void): Promise<true> =>
  eventually(check.toString(), () => {
    check()
    return true
  })

function memoryTable(): RouteTable & { routes: Map<string, Route> } {
  const routes = new Map<string, Route>()
  return {
    routes,
    all: async () => [...routes.values()],
    put: async (route) => void routes.set(route.id, route),
    delete: async (id) => void routes.delete(id),
  }
}

/** Something that listens like an engine. It names itself and then says back what it hears. */
class Engine {
  readonly port: number
  readonly sockets = new Set<Socket>()
  private readonly server: Server

  private constructor(server: Server) {
    this.server = server
    this.port = (server.address() as AddressInfo).port
  }

  static async start(t: TestContext, name: string, onSocket?: (socket: Socket) => void): Promise<Engine> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const engine = new Engine(server)
    server.on('connection', (socket) => {
      engine.sockets.add(socket)
      socket.on('error', () => {}).on('close', () => engine.sockets.delete(socket))
      if (onSocket) return onSocket(socket)
      socket.write(`${name}:`)
      socket.pipe(socket)
    })
    t.after(() => engine.stop())
    return engine
  }

  get target(): Route['targets'][number] {
    return { host: '127.0.0.1', port: this.port, name: String(this.port) }
  }

  stop(): void {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

class Client {
  readonly socket: Socket
  heard = ''
  closed = false

  constructor(t: TestContext, port: number, first: Buffer = STARTUP, localAddress = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress })
    this.socket.on('data', (piece: Buffer) => (this.heard += piece.toString('latin1')))
    this.socket.on('error', () => {}).on('close', () => (this.closed = true))
    if (first.length > 0) this.socket.write(first)
    t.after(() => this.socket.destroy())
  }

  async hears(pattern: RegExp): Promise<void> {
    await comes(() => assert.match(this.heard, pattern))
  }

  async isCutOff(): Promise<void> {
    await comes(() => assert.ok(this.closed))
  }
}

interface Stage {
  readonly gateways: Gateways
  readonly table: ReturnType<typeof memoryTable>
  readonly route: SplicedRoute
}

async function stage(t: TestContext, changes: Partial<SplicedRoute> = {}, clock: Clock = systemClock): Promise<Stage> {
  const table = memoryTable()
  const log = memoryLog()
  const gateways = await openGateways({ table, clock, log, cancelledFolder: () => undefined })
  t.after(async () => {
    await gateways.close()
    assert.deepEqual(log.complaints, [])
  })
  const route: SplicedRoute = {
    id: 'endpoint-1',
    listenAddress: '127.0.0.1',
    port: await freePort(),
    targets: [],
    mode: 'splice',
    state: 'open',
    allowedSources: ['127.0.0.1/32'],
    holdMs: 30_000,
    ...changes,
  }
  return { gateways, table, route }
}

test('bytes come through both ways as they were said, wherever they are cut', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 8 }), async (pieces) => {
      const said = Buffer.concat([STARTUP, ...pieces])
      const client = new Client(t, route.port, Buffer.alloc(0))
      for (const byte of STARTUP) client.socket.write(Buffer.of(byte))
      for (const piece of pieces) client.socket.write(piece)
      client.socket.end()
      await client.isCutOff()
      assert.equal(client.heard, `a:${said.toString('latin1')}`)
    }),
    { numRuns: 40 },
  )
})

test('the first who waits where nobody serves is told of at once, and connections that are over are counted', async (t) => {
  const engine = await Engine.start(t, 'a')
  const clock = new SimulatedClock()
  const { gateways, route } = await stage(t, { state: 'cut' }, clock)
  await gateways.apply(route, true)
  const waiting: number[] = []
  gateways.onReport((report) => report.type === 'observed' && waiting.push(report.route.waiting))
  const client = new Client(t, route.port)
  // No clock moves: what is told now and then would never be.
  await comes(() => assert.deepEqual(waiting, [1]))
  await gateways.apply({ ...route, state: 'open', targets: [engine.target] }, true)
  await client.hears(/^a:/)
  client.socket.end()
  await client.isCutOff()
  await comes(() => {
    const { connections, visits } = gateways.observed()[0]!
    assert.deepEqual([connections, visits], [{ [engine.target.name]: 0 }, { [engine.target.name]: 1 }])
  })
})

test('the end of what a client says reaches the engine, whose answer still reaches the client', async (t) => {
  const engine = await Engine.start(t, 'a', (socket) => socket.resume().on('end', () => socket.end('last words')))
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  const client = new Client(t, route.port)
  client.socket.end()
  await client.isCutOff()
  assert.equal(client.heard, 'last words')
  await comes(() => assert.deepEqual(gateways.observed()[0]!.connections, { [engine.target.name]: 0 }))
})

test('a client that does not read holds the engine up, and not in the memory of the gateway', async (t) => {
  let written = 0
  const engine = await Engine.start(t, 'a', (socket) => {
    const more = (): void => {
      if (written >= 256 * MIB) return void socket.end()
      written += MIB
      if (socket.write(Buffer.alloc(MIB))) setImmediate(more)
      else socket.once('drain', more)
    }
    more()
  })
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  const client = new Client(t, route.port)
  client.socket.pause()
  let before = -1
  await comes(() => {
    const last = before
    before = written
    assert.ok(written > 0 && written === last)
  })
  assert.ok(written < 64 * MIB, `${written} bytes were taken`)
  client.socket.destroy()
  await comes(() => assert.equal(engine.sockets.size, 0))
})

test('who comes while the endpoint is cut waits until it is open, and who was there is ended', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  const before = new Client(t, route.port)
  await before.hears(/^a:/)
  await gateways.apply({ ...route, state: 'cut' }, true)
  await before.isCutOff()
  const later = new Client(t, route.port)
  await comes(() => assert.equal(gateways.observed()[0]!.waiting, 1))
  assert.equal(engine.sockets.size, 0)
  await gateways.apply(route, true)
  await later.hears(/^a:/)
})

test('while it is held, connected clients go on and new ones wait', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  const before = new Client(t, route.port)
  await before.hears(/^a:/)
  await gateways.apply({ ...route, state: 'held' }, true)
  const later = new Client(t, route.port)
  await comes(() => assert.equal(gateways.observed()[0]!.waiting, 1))
  before.socket.write('still here')
  await before.hears(/still here/)
  await gateways.apply({ ...route, state: 'open' }, true)
  await later.hears(/^a:/)
})

test('when apply resolves, no connection to an engine that is not listed any more is left', async (t) => {
  const [old, next] = [await Engine.start(t, 'old'), await Engine.start(t, 'next')]
  const { gateways, route } = await stage(t, { targets: [old.target] })
  await gateways.apply(route, true)
  const clients = Array.from({ length: 20 }, () => new Client(t, route.port))
  for (const client of clients) await client.hears(/^old:/)
  const racing = Array.from({ length: 20 }, () => new Client(t, route.port))
  await gateways.apply({ ...route, targets: [next.target] }, true)
  const said = clients.map((client) => client.heard)
  for (const client of clients) client.socket.write('a write for the old one')
  for (const client of clients) await client.isCutOff()
  assert.deepEqual(
    clients.map((client) => client.heard),
    said,
  )
  await comes(() => assert.equal(old.sockets.size, 0))
  await new Client(t, route.port).hears(/^next:/)
  for (const client of racing) await comes(() => assert.ok(client.closed || client.heard.startsWith('next:')))
})

test('several engines share the connections, and one that refuses is left out', async (t) => {
  const engines = [await Engine.start(t, 'a'), await Engine.start(t, 'b'), await Engine.start(t, 'c')]
  const { gateways, route } = await stage(t, { targets: engines.map((engine) => engine.target) })
  await gateways.apply(route, true)
  for (let i = 0; i < 9; i++) await new Client(t, route.port).hears(/^[abc]:/)
  assert.deepEqual(
    engines.map((engine) => engine.sockets.size),
    [3, 3, 3],
  )
  engines[0]!.stop()
  for (let i = 0; i < 4; i++) await new Client(t, route.port).hears(/^[bc]:/)
  assert.deepEqual(
    engines.map((engine) => engine.sockets.size),
    [0, 5, 5],
  )
})

test('who finds every engine refusing waits for one, and is told when that takes too long', async (t) => {
  const engine = await Engine.start(t, 'a')
  engine.stop()
  const { gateways, route } = await stage(t, { targets: [engine.target], holdMs: 300 })
  await gateways.apply(route, true)
  const client = new Client(t, route.port)
  await client.isCutOff()
  assert.match(client.heard, /^E.*C57P03/s)
})

test('a request to cancel goes to every engine that may have the session, also while new ones wait', async (t) => {
  const heard: string[] = []
  const note = (socket: Socket): unknown =>
    socket.on('data', (piece: Buffer) => void (heard.push(piece.toString('hex')), socket.end()))
  const engines = [await Engine.start(t, 'a', note), await Engine.start(t, 'b', note)]
  const { gateways, route } = await stage(t, { targets: engines.map((engine) => engine.target), state: 'held' })
  await gateways.apply(route, true)
  const cancel = Buffer.from('0000001004d2162e0000126711223344', 'hex')
  await new Client(t, route.port, cancel).isCutOff()
  assert.deepEqual(heard, [cancel.toString('hex'), cancel.toString('hex')])
})

test('nobody comes in but from the allowed addresses', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route, table } = await stage(t, { targets: [engine.target], allowedSources: ['127.0.0.2/32'] })
  await gateways.apply(route, true)
  await new Client(t, route.port, STARTUP, '127.0.0.2').hears(/^a:/)
  const stranger = new Client(t, route.port)
  await stranger.isCutOff()
  assert.equal(stranger.heard, '')
  await gateways.allow(route.id, [])
  await gateways.allow('no such route', ['0.0.0.0/0'])
  assert.deepEqual([...table.routes.values()], [{ ...route, allowedSources: [] }])
  await assert.rejects(gateways.allow(route.id, ['nonsense/8']))
  const late = new Client(t, route.port, STARTUP, '127.0.0.2')
  await late.isCutOff()
  assert.equal(late.heard, '')
})

test('a port that somebody else has is waited for, and it is said so', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  const squatter = createServer().listen(route.port, '127.0.0.1')
  await once(squatter, 'listening')
  await gateways.apply(route, false)
  await comes(() => assert.match(gateways.observed()[0]!.problem ?? '', /EADDRINUSE/))
  assert.equal(gateways.observed()[0]!.listening, false)
  const waiting = gateways.apply(route, true)
  squatter.close()
  await waiting
  assert.equal(gateways.observed()[0]!.listening, true)
  await new Client(t, route.port).hears(/^a:/)
})

test('a port can be changed, there and back, and connections go on', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  const client = new Client(t, route.port)
  await client.hears(/^a:/)
  const other = { ...route, port: await freePort() }
  const left = gateways.apply(other, true).catch(() => {})
  await gateways.apply(route, true)
  await left
  await gateways.apply(other, true)
  await new Client(t, other.port).hears(/^a:/)
  await new Client(t, route.port).isCutOff()
  client.socket.write('still here')
  await client.hears(/still here/)
})

test('a route that is removed leaves neither connection nor port nor record', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route, table } = await stage(t, { targets: [engine.target] })
  const reports: string[] = []
  gateways.onReport((report) => reports.push(report.type))
  await gateways.apply(route, true)
  const client = new Client(t, route.port)
  await client.hears(/^a:/)
  await gateways.remove(route.id)
  await gateways.remove(route.id)
  await client.isCutOff()
  await new Client(t, route.port).isCutOff()
  assert.deepEqual([gateways.observed(), table.routes.size], [[], 0])
  assert.ok(reports.includes('observed') && reports.includes('gone'))
})

test('the next process opens what the last one kept', async (t) => {
  const engine = await Engine.start(t, 'a')
  const { gateways, route, table } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  await gateways.close()
  const next = await openGateways({ table, clock: systemClock, log: memoryLog(), cancelledFolder: () => undefined })
  t.after(() => next.close())
  await comes(() => assert.equal(next.observed()[0]!.listening, true))
  await new Client(t, route.port).hears(/^a:/)
})

test('what is no PostgreSQL, and what ends before it begins, reaches no engine', async (t) => {
  let connections = 0
  const engine = await Engine.start(t, 'a', () => connections++)
  const { gateways, route } = await stage(t, { targets: [engine.target] })
  await gateways.apply(route, true)
  await new Client(t, route.port, Buffer.from('GET / HTTP/1.1\r\n\r\n')).isCutOff()
  const silent = new Client(t, route.port, Buffer.alloc(0))
  silent.socket.end()
  await silent.isCutOff()
  assert.equal(connections, 0)
})
