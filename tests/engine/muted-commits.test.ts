/**
 * Sessions that mute the engine's warnings, at a guarded gateway: whoever cancels a commit that waits for a standby, its
 * client never hears of a success. Cancelling what runs is as it ever was.
 */
import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import type pg from 'pg'
import { memoryLog, type MemoryLog } from '#base/memory-log.ts'
import { openGateways, type Gateways } from '#endpoint/gateways.ts'
import { systemClock } from '#host/clock.ts'
import type { GuardedRoute } from '#wire/endpoint/messages.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { CANCELLED_FOLDER, GATE } from '#wire/postgres/assurance.ts'
import { eventually } from '../support/eventually.ts'
import { GATE_PASSWORD, openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'
import { freePort } from '../support/free-port.ts'

let bench: PostgresBench
let instance: TestInstance
let gateways: Gateways
let port: number
let log: MemoryLog
const PRIMARY = { role: 'primary', followers: [], synchronous: [] } as const

before(async () => {
  bench = await openPostgresBench()
  // Without the title the gateway cannot see that a session waits: a request to cancel always comes too late to be dropped.
  instance = await bench.create({
    settings: { shared_buffers: '2048', update_process_title: 'off' },
    replication: PRIMARY,
  })
  await bench.driver.admitFollowers(instance.folder, instance.spec)
  await direct(`CREATE TABLE kept (n int);
    CREATE PROCEDURE keep(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept VALUES (n); COMMIT; END $$;
    CREATE FUNCTION kept_by(n int) RETURNS int LANGUAGE sql AS $$ INSERT INTO kept VALUES (n) RETURNING n $$`)
  log = memoryLog()
  gateways = await openGateways({
    table: { all: async () => [], put: async () => {}, delete: async () => {} },
    clock: systemClock,
    log,
    cancelledFolder: () => join(instance.folder, CANCELLED_FOLDER),
  })
  port = await freePort()
  const route: GuardedRoute = {
    id: 'guarded',
    listenAddress: '127.0.0.1',
    port,
    targets: [{ host: '127.0.0.1', port: instance.spec.port, name: 'primary' }],
    mode: 'guarded',
    tls: instance.spec.tls,
    asking: { user: GATE, password: GATE_PASSWORD },
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

const through = (): Promise<pg.Client> => bench.client({ ...instance.spec, port })
const direct = (text: string, options?: pg.ClientConfig): Promise<Record<string, unknown>[]> =>
  bench.sql(instance.spec, text, options)

async function reloadedAs(spec: InstanceSpec): Promise<void> {
  await bench.driver.configure(instance.folder, spec)
  await bench.driver.reload(instance.folder, spec)
}

/** From here to the end of the test commits wait for a standby that does not exist. */
async function waitForStandby(t: TestContext): Promise<void> {
  t.after(() => reloadedAs(instance.spec))
  await reloadedAs({ ...instance.spec, replication: { ...PRIMARY, synchronous: ['nobody'] } })
}

const pidOf = (client: pg.Client): number => (client as unknown as { processID: number }).processID

const isWaiting = (pid: number): Promise<true> =>
  eventually('the session waits for a standby', async () => {
    const rows = await direct(`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'SyncRep'`)
    return rows.length > 0 || undefined
  })

const cancelBySql = (client: pg.Client): Promise<unknown> =>
  direct(`SELECT pg_cancel_backend(${pidOf(client)})`, { database: 'postgres' })

async function cancelByRequest(client: pg.Client): Promise<void> {
  const packet = Buffer.alloc(16)
  const { secretKey } = client as unknown as { secretKey: number }
  for (const [at, word] of [16, 80_877_102, pidOf(client), secretKey].entries()) packet.writeInt32BE(word, at * 4)
  const socket = connectTcp({ port, host: '127.0.0.1' })
  socket
    .on('error', () => {})
    .resume()
    .write(packet)
  await new Promise((resolve) => socket.once('close', resolve))
}

type Run = (client: pg.Client, n: number) => Promise<unknown>

const RUNS: Readonly<Record<string, Run>> = {
  simple: (client, n) => client.query(`INSERT INTO kept VALUES (${n})`),
  extended: (client, n) => client.query('INSERT INTO kept VALUES ($1)', [n]),
  'a transaction block': (client, n) => client.query(`BEGIN; INSERT INTO kept VALUES (${n}); COMMIT`),
  'a transaction block, muted for itself alone': (client, n) =>
    client.query(`SET client_min_messages = warning; BEGIN; SET LOCAL client_min_messages = error;
      INSERT INTO kept VALUES (${n}); COMMIT`),
  'what has the tag of a query': (client, n) => client.query('SELECT kept_by($1)', [n]),
  'a procedure': (client, n) => client.query('CALL keep($1)', [n]),
}

interface Outcome {
  readonly how: string
  readonly n: number
  readonly heard: string
}

let written = 0

async function attempt(
  how: string,
  run: Run,
  cancel: ((client: pg.Client) => Promise<unknown>) | undefined,
): Promise<Outcome> {
  const client = await through()
  const n = ++written
  let isReady = false
  await client.query('SET client_min_messages = error')
  if (!cancel) await client.query('SET statement_timeout = 100')
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
  connection.on('readyForQuery', () => (isReady = true))
  const heard = run(client, n).then(
    () => 'success',
    (error: unknown) => String((error as { code?: string }).code),
  )
  if (cancel) {
    await isWaiting(pidOf(client))
    await cancel(client)
  }
  return { how, n, heard: `${await heard}${isReady ? ', done' : ''}` }
}

test('whoever cancels the waiting commit of a muted session, its client never hears of a success', async (t) => {
  await waitForStandby(t)
  const attempts = Object.entries(RUNS).flatMap(([how, run]) => [
    attempt(`${how}, by a request`, run, cancelByRequest),
    attempt(`${how}, by SQL`, run, cancelBySql),
  ])
  const timed: Readonly<Record<string, Run>> = {
    'a procedure': RUNS['a procedure']!,
    'a block, simple': (client, n) => client.query(`DO $$ BEGIN INSERT INTO kept VALUES (${n}); COMMIT; END $$`),
    'a block, extended': (client, n) =>
      client.query({
        text: `DO $$ BEGIN INSERT INTO kept VALUES (${n}); COMMIT; END $$`,
        queryMode: 'extended',
      } as object as pg.QueryConfig),
  }
  for (const [how, run] of Object.entries(timed)) attempts.push(attempt(`${how}, by a timeout`, run, undefined))
  const outcomes = await Promise.all(attempts)
  assert.deepEqual(
    outcomes.filter(({ heard }) => heard !== '08007'),
    [],
  )
  // All of it happened: a client that took the end for a failure would be wrong as well.
  const rows = await direct('SELECT n FROM kept ORDER BY n')
  assert.deepEqual(
    rows.map(({ n }) => n),
    outcomes.map(({ n }) => n).sort((a, b) => a - b),
  )
  assert.equal(log.complaints.length, outcomes.length)
})

test('what runs is cancelled as ever, by a request and by SQL, and its session goes on', async () => {
  for (const cancel of [cancelByRequest, cancelBySql]) {
    const client = await through()
    const sleeping = assert.rejects(client.query('SELECT pg_sleep(600)'), { code: '57014' })
    await eventually('it sleeps', async () => {
      const rows = await direct("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
      return rows.length === 1 || undefined
    })
    await cancel(client)
    await sleeping
    for (const n of [1, 2, 3]) assert.deepEqual((await client.query('SELECT $1::int AS n', [n])).rows, [{ n }])
    await client.end()
  }
})

test('one that was cancelled while it did nothing goes on, and writes', async () => {
  const client = await through()
  await cancelBySql(client)
  await cancelByRequest(client)
  assert.equal((await client.query('INSERT INTO kept VALUES (-1)')).rowCount, 1)
  assert.deepEqual((await client.query('SELECT n FROM kept WHERE n < 0')).rows, [{ n: -1 }])
  await client.end()
})

test('a commit in doubt is a success once nobody is waited for any more', async (t) => {
  await waitForStandby(t)
  const outcome = attempt('released', RUNS['simple']!, async (client) => {
    await cancelBySql(client)
    await reloadedAs(instance.spec)
  })
  assert.equal((await outcome).heard, 'success, done')
})

test('every database cancels like this, also those that are made later; and whoever may not cancel, may not', async () => {
  await direct('CREATE DATABASE later TEMPLATE template0')
  const [row] = await direct("SELECT prosrc AS body FROM pg_proc WHERE proname = 'pg_cancel_backend'", {
    database: 'later',
  })
  assert.match(String(row!['body']), /rds_mark_cancelled/)
  assert.deepEqual(await direct('SELECT datallowconn AS open FROM pg_database WHERE datname = $$template0$$'), [
    { open: false },
  ])
  await direct("CREATE ROLE stranger LOGIN PASSWORD 'not-a-member'")
  const stranger = { user: 'stranger', password: 'not-a-member', database: 'later' }
  const client = await through()
  await assert.rejects(direct(`SELECT pg_cancel_backend(${pidOf(client)})`, stranger), { code: '42501' })
  assert.deepEqual(await direct('SELECT pg_cancel_backend(NULL) AS is'), [{ is: null }])
  await client.end()
})
