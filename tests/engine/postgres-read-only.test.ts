/** What a read-only engine keeps its master user from, and what not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
let instance: TestInstance

before(async () => {
  bench = await openPostgresBench()
  instance = await bench.create()
  await bench.sql(instance.spec, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n')
})
after(() => bench.close())

const code = (wanted: string) => (error: Error & { code?: string }) => error.code === wanted
const READ_ONLY = code('25006')

test('sessions that are there and sessions that come may read, and not write', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  const there = await bench.client(spec)
  await there.query('BEGIN')
  await there.query('SELECT 1')
  assert.equal(await driver.isReadOnly(folder), false)
  await driver.setReadOnly(folder, 'yes')
  assert.equal(await driver.isReadOnly(folder), true)
  await there.query('COMMIT')
  await assert.rejects(there.query('INSERT INTO kept VALUES (0)'), READ_ONLY)
  await there.end()
  await assert.rejects(bench.sql(spec, 'CREATE TABLE more (n int)'), READ_ONLY)
  assert.equal((await bench.sql(spec, 'SELECT count(*)::int AS n FROM kept'))[0]!['n'], 1000)
})

test('whoever insists may delete', async () => {
  const { spec } = instance
  await bench.sql(spec, 'BEGIN READ WRITE; DELETE FROM kept WHERE n > 900; COMMIT')
  assert.equal((await bench.sql(spec, 'SELECT count(*)::int AS n FROM kept'))[0]!['n'], 900)
})

test('whoever has written or sorts on disk is ended, and nobody else', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  const [reader, writer, sorter] = await Promise.all([bench.client(spec), bench.client(spec), bench.client(spec)])
  await reader.query('BEGIN')
  await reader.query('SELECT * FROM kept')
  await writer.query('BEGIN READ WRITE')
  await writer.query('INSERT INTO kept VALUES (-1)')
  await sorter.query(`SET work_mem = '64kB'`)
  await sorter.query('BEGIN')
  await sorter.query('DECLARE sorted CURSOR FOR SELECT n, md5(n::text) FROM generate_series(1, 50000) n ORDER BY 2')
  await sorter.query('FETCH 1 FROM sorted')
  assert.equal(await driver.endWriters(folder), 2)
  await assert.rejects(writer.query('SELECT 1'))
  await assert.rejects(sorter.query('SELECT 1'))
  await reader.query('SELECT 1')
  await reader.end()
  assert.equal((await bench.sql(spec, 'SELECT count(*)::int AS n FROM kept WHERE n < 0'))[0]!['n'], 0)
  assert.equal(await driver.endWriters(folder), 0)
})

test('it stays so over a restart and a new configuration, until it is taken back', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  await driver.stop(instance.engine, 'fast', 20_000)
  const changed = { ...spec, settings: { ...spec.settings, default_transaction_read_only: 'off' } }
  await driver.configure(folder, changed)
  instance.engine = bench.started(await driver.start(folder, changed, new AbortController().signal))
  await assert.rejects(bench.sql(spec, 'INSERT INTO kept VALUES (0)'), READ_ONLY)
  assert.deepEqual(await driver.reload(folder, changed), [])
  await assert.rejects(bench.sql(spec, 'INSERT INTO kept VALUES (0)'), READ_ONLY)
  await driver.setReadOnly(folder, 'no')
  assert.equal(await driver.isReadOnly(folder), false)
  await bench.sql(spec, 'INSERT INTO kept VALUES (0)')
})

test('log that nobody needs is given back', async () => {
  const { driver } = bench
  const { folder, spec } = instance
  await bench.sql(spec, `CREATE TABLE junk AS SELECT repeat(md5(n::text), 30) AS t FROM generate_series(1, 250000) n`)
  await bench.sql(spec, 'DROP TABLE junk')
  const before = (await driver.measure(folder, spec, true)).logBytes!
  await driver.setReadOnly(folder, 'with little log')
  await driver.reclaimLog(folder)
  const after = (await driver.measure(folder, spec, true)).logBytes!
  assert.ok(before > 200e6 && after < 64e6, `${after} bytes of ${before}`)
})
