/** A guarded gateway that is told to slow down sessions that write, before a real PostgreSQL. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { memoryLog } from '#base/memory-log.ts'
import { openGateways, type Gateways } from '#endpoint/gateways.ts'
import { systemClock } from '#host/clock.ts'
import type { GuardedRoute } from '#wire/endpoint/messages.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
let instance: TestInstance
let gateways: Gateways
let route: GuardedRoute

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create({ requireTls: false })
  await direct('CREATE TABLE kept (id int)')
  gateways = await openGateways({
    cancelledFolder: () => undefined,
    table: { all: async () => [], put: async () => {}, delete: async () => {} },
    clock: systemClock,
    log: memoryLog(),
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

const through = (): Promise<pg.Client> => bench.client({ ...instance.spec, port: route.port })
const direct = (text: string): Promise<Record<string, unknown>[]> => bench.sql(instance.spec, text)
const COUNT_71 = 'SELECT count(*)::int AS n FROM kept WHERE id = 71'

test('who writes is held after a transaction until the throttle is lifted, and who reads is not', async (t) => {
  t.after(() => gateways.throttle(route.id, 0, 0))
  const [writer, reader] = [await through(), await through()]
  await gateways.throttle(route.id, 600_000, 600_000)
  await writer.query('BEGIN')
  await writer.query('INSERT INTO kept VALUES (71)')
  let isDone = false
  const held = writer.query('COMMIT').then(() => (isDone = true))
  await eventually('the commit, whose answer is held', async () => (await direct(COUNT_71))[0]!['n'] === 1)
  for (const text of [COUNT_71, 'BEGIN', COUNT_71, 'COMMIT']) await reader.query(text)
  assert.equal(isDone, false)
  await gateways.throttle(route.id, 0, 600_000)
  await held
  assert.equal((await writer.query('INSERT INTO kept VALUES (72)')).rowCount, 1)
  await Promise.all([writer.end(), reader.end()])
})

test('a throttle that nobody renews ends by itself, and a session that is cut off meanwhile is no longer held', async (t) => {
  t.after(() => gateways.throttle(route.id, 0, 0))
  const client = await through()
  await gateways.throttle(route.id, 600_000, 300)
  for (let n = 0; n < 3; n++) await client.query('INSERT INTO kept VALUES (73)')
  await client.end()
  await gateways.throttle(route.id, 600_000, 600_000)
  const lost = await through()
  const refused = assert.rejects(lost.query('INSERT INTO kept VALUES (74)'))
  await eventually('the commit', async () => (await direct('SELECT FROM kept WHERE id = 74')).length === 1)
  await gateways.apply({ ...route, state: 'cut' }, true)
  await refused
  await gateways.throttle(route.id, 0, 0)
  await gateways.apply(route, true)
})
