import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { withSession } from '#engine/postgres/sql.ts'
import { eventually } from '../support/eventually.ts'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
let instance: TestInstance

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create()
})
after(() => bench.close())

test('an engine is measured as SQL and the disk show it', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  const client = await bench.client(spec)
  try {
    const first = await driver.measure(folder, spec, true)
    await client.query('CREATE TABLE filler AS SELECT repeat(md5(n::text), 20) AS t FROM generate_series(1, 30000) n')
    await client.query('SELECT count(*) FROM filler a JOIN filler b ON a.t = b.t')
    // Reads of its own statistics: what a session did is told to all once it is idle.
    const second = await eventually('a look that sees the work', async () => {
      const facts = await driver.measure(folder, spec, true)
      return (facts.writes ?? 0) > (first.writes ?? 0) ? facts : undefined
    })
    assert.equal(first.connections, 1)
    assert.ok(second.cpuMs! - first.cpuMs! >= 20, `${second.cpuMs! - first.cpuMs!} ms`)
    const grown = second.logGeneratedBytes! - first.logGeneratedBytes!
    assert.ok(grown > 15e6 && grown < 60e6, `${grown} bytes of log`)
    const [row] = await bench.sql(spec, `SELECT sum(pg_database_size(oid))::float8 AS data FROM pg_database`)
    const data = second.storageBytes! - second.logBytes!
    assert.ok(Math.abs(data - (row!['data'] as number)) < 4e6, `${data} bytes against ${String(row!['data'])}`)
    const [wal] = await bench.sql(spec, 'SELECT sum(size)::float8 AS bytes FROM pg_ls_waldir()')
    assert.ok(second.logBytes! >= (wal!['bytes'] as number), `${second.logBytes} against ${String(wal!['bytes'])}`)
    assert.ok(second.memoryBytes! > 5e6 && second.memoryBytes! < 500e6, `${second.memoryBytes} bytes`)
    assert.ok(second.transactionIds! > 0)
    assert.ok(second.checkpointAgeSeconds! > 0)
    assert.equal(second.replicaLagSeconds, undefined, 'it is no standby')
    assert.equal(second.slotLagBytes, undefined, 'it has no slot')
  } finally {
    await client.end()
  }
})

test('a slot that nobody reads lags by what was written since', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  await withSession({ folder, surroundings: bench.surroundings }, ({ query }) =>
    query(`SELECT pg_create_physical_replication_slot('left', true)`),
  )
  await bench.sql(spec, 'CREATE TABLE more AS SELECT repeat(md5(n::text), 20) AS t FROM generate_series(1, 20000) n')
  const { slotLagBytes } = await driver.measure(folder, spec, true)
  assert.ok(slotLagBytes! > 10e6, `${slotLagBytes} bytes`)
})

test('processes that have ended still count', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  const first = await driver.measure(folder, spec, true)
  await bench.sql(spec, 'SELECT sum(sqrt(n)) FROM generate_series(1, 3000000) n')
  const second = await eventually('the time of an ended process', async () => {
    const facts = await driver.measure(folder, spec, true)
    return facts.cpuMs! - first.cpuMs! >= 100 ? facts : undefined
  })
  assert.equal(second.connections, 0)
})

test('an engine that answers nobody is still measured from outside', async () => {
  const { driver } = bench
  const { folder, spec, engine } = instance
  process.kill(engine.pid, 'SIGSTOP')
  try {
    const facts = await driver.measure(folder, spec, true)
    assert.ok(facts.storageBytes! > 0 && facts.cpuMs! > 0)
    assert.equal(facts.connections, undefined)
  } finally {
    process.kill(engine.pid, 'SIGCONT')
  }
})

test('of an engine that does not run, what lies on its volume is known', async () => {
  const { driver } = bench
  const { folder, spec, engine } = instance
  await driver.stop(engine, 'fast', 20_000)
  const facts = await driver.measure(folder, spec, false)
  assert.deepEqual(Object.keys(facts).sort(), ['hostFreeBytes', 'logBytes', 'slotBytes', 'storageBytes'])
})
