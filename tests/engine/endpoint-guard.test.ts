/** A guarded gateway between real clients and a real PostgreSQL: TLS on both legs, and commits whose wait is cancelled. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type pg from 'pg'
import { memoryLog, type MemoryLog } from '#base/memory-log.ts'
import { openGateways, type Gateways } from '#endpoint/gateways.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { openAuthority } from '#trust/open-authority.ts'
import type { GuardedRoute } from '#wire/endpoint/messages.ts'
import { lacks } from '../../scripts/setup.ts'
import { eventually } from '../support/eventually.ts'
import { openPostgresBench, PASSWORD, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'
import { freePort } from '../support/free-port.ts'

let bench: PostgresBench
let instance: TestInstance
let gateways: Gateways
let route: GuardedRoute
let log: MemoryLog

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create({ requireTls: false })
  await direct('CREATE TABLE kept (id int)')
  log = memoryLog()
  const routes = new Map()
  gateways = await openGateways({
    cancelledFolder: () => undefined,
    table: { all: async () => [], put: async (r) => void routes.set(r.id, r), delete: async () => {} },
    clock: systemClock,
    log,
  })
  route = {
    id: 'guarded',
    listenAddress: '127.0.0.1',
    port: await freePort(),
    targets: [{ host: '127.0.0.1', port: instance.spec.port, name: 'primary' }],
    mode: 'guarded',
    tls: instance.spec.tls,
    state: 'open',
    allowedSources: ['127.0.0.0/8'],
    holdMs: 20_000,
  }
  await gateways.apply(route, true)
})
after(async () => {
  await gateways.close()
  await bench.close()
})

const through = (options?: pg.ClientConfig): Promise<pg.Client> =>
  bench.client({ ...instance.spec, port: route.port }, options)
const direct = (text: string): Promise<Record<string, unknown>[]> => bench.sql(instance.spec, text)

async function psql(
  environment: Record<string, string>,
  ...statements: string[]
): Promise<{ out: string; err: string; code: number }> {
  const ca = join(bench.root, 'ca.pem')
  writeFileSync(ca, bench.caPem)
  const args = ['-XAtq', '-h', 'localhost', '-p', String(route.port), '-U', 'app', '-d', 'shop']
  const child = spawn('psql', [...args, ...statements.flatMap((text) => ['-c', text])], {
    env: {
      PATH: process.env['PATH'],
      PGPASSWORD: PASSWORD,
      PGSSLROOTCERT: ca,
      PGCONNECT_TIMEOUT: '20',
      ...environment,
    },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (piece) => (said.out += String(piece)))
  child.stderr.on('data', (piece) => (said.err += String(piece)))
  const [code] = (await once(child, 'close')) as [number]
  return { ...said, code }
}

/** From here to the end of the test commits wait for a standby that does not exist. */
async function waitForStandby(t: TestContext): Promise<void> {
  const { driver } = bench
  const spec = { ...instance.spec, replication: { role: 'primary', followers: [], synchronous: ['nobody'] } } as const
  t.after(async () => {
    await driver.configure(instance.folder, instance.spec)
    await driver.reload(instance.folder, instance.spec)
  })
  await driver.configure(instance.folder, spec)
  await driver.reload(instance.folder, spec)
}

const isWaiting = (pid: number): Promise<true> =>
  eventually('the session waits for a standby', async () => {
    const rows = await direct(`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'SyncRep'`)
    return rows.length > 0 || undefined
  })

const keyOf = (client: pg.Client): { pid: number; secret: number } => {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  return { pid: processID, secret: secretKey }
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.on('error', () => {}).once('close', () => resolve()))

async function sendCancel(port: number, { pid, secret }: { pid: number; secret: number }): Promise<void> {
  const packet = Buffer.alloc(16)
  packet.writeInt32BE(16, 0)
  packet.writeInt32BE(80_877_102, 4)
  packet.writeInt32BE(pid, 8)
  packet.writeInt32BE(secret, 12)
  const socket = connectTcp({ port, host: '127.0.0.1' })
  socket.resume().write(packet)
  await closed(socket)
}

test('a client that verifies everything is served over TLS, and the engine sees TLS too', async () => {
  const client = await through()
  const { rows } = await client.query('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
  assert.equal((rows[0] as { ssl: boolean }).ssl, true)
  await client.end()
})

test('psql binds its password to the channel', { skip: lacks('psql') }, async () => {
  const strict = { PGSSLMODE: 'verify-full', PGCHANNELBINDING: 'require' }
  assert.deepEqual(await psql(strict, 'SELECT 40 + 2'), { out: '42\n', err: '', code: 0 })
})

test('psql without TLS gets what the engine gives such a client', { skip: lacks('psql') }, async () => {
  const plain = { PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' }
  const asked = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
  assert.deepEqual(await psql(plain, asked), { out: 'f\n', err: '', code: 0 })
})

test('TLS can begin without being asked for when it names the protocol, and only then', async () => {
  const options = { host: '127.0.0.1', port: route.port, ca: bench.caPem, servername: 'localhost' }
  const nameless = connectTls(options)
  await closed(nameless)
  const named = connectTls({ ...options, ALPNProtocols: ['postgresql'] })
  await once(named, 'secureConnect')
  const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0app\0database\0shop\0\0', 'latin1')
  startup.writeInt32BE(startup.length)
  named.write(startup)
  const [answer] = (await once(named, 'data')) as [Buffer]
  assert.equal(answer.toString('latin1', 0, 1), 'R')
  named.destroy()
})

test('bytes that come between the question for TLS and its answer end the connection', async () => {
  const socket: Socket = connectTcp({ port: route.port, host: '127.0.0.1' })
  let heard = ''
  socket.on('data', (piece: Buffer) => (heard += piece.toString('latin1')))
  socket.write(Buffer.from('0000000804d2162f0000000804d2162f', 'hex'))
  await closed(socket)
  assert.equal(heard, '')
})

test('results, notices and bulk data come through as they are', async () => {
  const notices: string[] = []
  const client = await through()
  client.on('notice', ({ message }) => notices.push(String(message)))
  const { rows } = await client.query("SELECT i, repeat('x', i % 900) AS text FROM generate_series(1, 30000) i")
  assert.equal(rows.length, 30_000)
  assert.ok((rows as { i: number; text: string }[]).every(({ i, text }) => text.length === i % 900))
  await client.query("DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE '%', repeat('n', i * 50); END LOOP; END $$")
  assert.deepEqual(
    notices.map((text) => text.length),
    Array.from({ length: 500 }, (_, i) => (i + 1) * 50),
  )
  const big = 'b'.repeat(9_000_000)
  assert.deepEqual((await client.query('SELECT length($1) AS n', [big])).rows, [{ n: big.length }])
  await client.end()
})

test('a request to cancel reaches the session that it means', async () => {
  const client = await through()
  const bystander = await through()
  const sleeping = assert.rejects(client.query('SELECT pg_sleep(600)'), { code: '57014' })
  const other = bystander.query('SELECT pg_sleep(2)')
  await eventually('both sleep', async () => {
    const rows = await direct("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    return rows.length === 2 || undefined
  })
  await sendCancel(route.port, keyOf(client))
  await sleeping
  await other
  assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  await client.end()
  await bystander.end()
})

test('a commit whose wait is cancelled by another session is never told as a success', async (t) => {
  await waitForStandby(t)
  for (const statements of [['INSERT INTO kept VALUES (1)'], ['BEGIN', 'INSERT INTO kept VALUES (2)', 'COMMIT']]) {
    const client = await through()
    const { pid } = keyOf(client)
    const outcome = (async () => {
      for (const text of statements) await client.query(text)
    })()
    const refused = assert.rejects(outcome, { code: '08007' })
    await isWaiting(pid)
    await direct(`SELECT pg_cancel_backend(${pid})`)
    await refused
  }
  assert.deepEqual(log.complaints, Array(2).fill('a commit was not waited for; its client is not told of success'))
  // The session that saw nothing but the end would be wrong to think that nothing was written.
  assert.deepEqual(await direct('SELECT id FROM kept WHERE id < 3 ORDER BY id'), [{ id: 1 }, { id: 2 }])
})

test('a commit that comes with Sync is never told as done either', async (t) => {
  await waitForStandby(t)
  const client = await through()
  let isDone = false
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
  connection.on('readyForQuery', () => (isDone = true))
  // With a parameter the driver speaks the extended protocol.
  const refused = assert.rejects(client.query('INSERT INTO kept VALUES ($1)', [5]), { code: '08007' })
  await isWaiting(keyOf(client).pid)
  await direct(`SELECT pg_cancel_backend(${keyOf(client).pid})`)
  await refused
  assert.equal(isDone, false)
})

test('a commit whose session is terminated is not told as a success either', async (t) => {
  await waitForStandby(t)
  const client = await through()
  const refused = assert.rejects(client.query('INSERT INTO kept VALUES (3)'))
  await isWaiting(keyOf(client).pid)
  await direct(`SELECT pg_terminate_backend(${keyOf(client).pid})`)
  await refused
})

test(
  'a request to cancel does not reach a commit that waits',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    await direct('CREATE TABLE patient (id int)')
    t.after(() => direct('DROP TABLE patient'))
    await waitForStandby(t)
    const client = await through()
    const committed = client.query('INSERT INTO kept VALUES (4)')
    await isWaiting(keyOf(client).pid)
    await sendCancel(route.port, keyOf(client))
    await isWaiting(keyOf(client).pid)
    await bench.driver.configure(instance.folder, instance.spec)
    await bench.driver.reload(instance.folder, instance.spec)
    assert.equal((await committed).rowCount, 1)
    await client.end()
  },
)

test('who has come to an engine that hangs is taken to the next one', async (t) => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {})))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    silent.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = silent.address() as AddressInfo
  await gateways.apply({ ...route, targets: [{ host: '127.0.0.1', port, name: 'hung' }] }, true)
  const client = through()
  await eventually('the client has come', () => sockets[0])
  await gateways.apply(route, true)
  assert.deepEqual((await (await client).query('SELECT 1 AS one')).rows, [{ one: 1 }])
  await (await client).end()
  assert.equal(sockets.length, 1)
})

test('an engine with another certificate is not connected to', async (t) => {
  const authority = openAuthority(join(bench.root, 'trust'), systemClock, systemRandom)
  const tls = await authority.issue(authority.defaultIdentifier, ['localhost'])
  t.after(() => gateways.apply(route, true))
  await gateways.apply({ ...route, tls, holdMs: 300 }, true)
  await assert.rejects(through(), { code: '57P03' })
  await assert.rejects(gateways.apply({ ...route, tls: { ...tls, privateKeyPem: 'none' } }, true))
})
