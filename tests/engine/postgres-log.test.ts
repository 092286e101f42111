import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LogGone, type LogStream } from '#engine/log-source.ts'
import { LogScanner } from '#wire/pg/log-scanner.ts'
import { segmentStart } from '#wire/pg/lsn.ts'
import { eventually } from '../support/eventually.ts'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

let bench: PostgresBench
before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

interface Reading {
  readonly scanner: LogScanner
  readonly stream: LogStream
  newest(): number
}

/** Reads from the start of the segment that is written, cut into portions of `portionBytes`. */
async function read(instance: TestInstance, portionBytes = 1_000_000): Promise<Reading> {
  const source = await bench.driver.openLog(instance.folder)
  await source.keep()
  const position = await source.identify()
  const lsn = segmentStart(position.lsn)
  const scanner = new LogScanner(lsn)
  let newest = 0
  const stream = await source.stream({ ...position, lsn }, (bytes) => {
    for (let at = 0; at < bytes.length; at += portionBytes) scanner.feed(bytes.subarray(at, at + portionBytes))
    newest = Math.max(newest, scanner.takeNewest())
  })
  await source.close()
  return { scanner, stream, newest: () => newest }
}

async function lastCommit(instance: TestInstance): Promise<number> {
  const text = `SELECT (extract(epoch FROM timestamp) * 1000000)::bigint::text AS us FROM pg_last_committed_xact()`
  const [row] = await bench.sql(instance.spec, text)
  return Number(row!['us'])
}

const seen = (reading: Reading, committed: number, what: string): Promise<unknown> =>
  eventually(`${what}: ${committed}, not ${reading.newest()}`, () => reading.newest() === committed || undefined)

const SETTINGS = { shared_buffers: '2048', track_commit_timestamp: 'on', max_prepared_transactions: '5' }

for (const [version, portionBytes] of [
  ['18.4', 1_000_000],
  ['18.4', 7],
  ['13.23', 4_096],
] as const)
  test(`the log of PostgreSQL ${version}, ${portionBytes} bytes at a time, shows the time of every commit`, async () => {
    const instance = await bench.create({ version, settings: SETTINGS })
    const reading = await read(instance, portionBytes)
    const statements = [
      'CREATE TABLE t (id int, text text)',
      `INSERT INTO t SELECT n, repeat('x', n % 3000) FROM generate_series(1, 3000) n`,
      'BEGIN; SAVEPOINT a; INSERT INTO t VALUES (1); SAVEPOINT b; INSERT INTO t VALUES (2); COMMIT',
      'CREATE INDEX ON t (id)',
      `BEGIN; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'p'`,
      `COMMIT PREPARED 'p'`,
      'TRUNCATE t',
    ]
    for (const statement of statements) {
      await bench.sql(instance.spec, statement)
      if (statement.includes('PREPARE TRANSACTION')) continue
      const committed = await lastCommit(instance)
      await seen(reading, committed, statement)
    }
    reading.stream.close()
    await bench.driver.stop(instance.engine, 'fast', 20_000)
  })

test('a switch to a new segment and an abort are seen for what they are', async () => {
  const instance = await bench.create({ settings: SETTINGS })
  const reading = await read(instance)
  await bench.sql(instance.spec, 'CREATE TABLE t (id int)')
  const before = await lastCommit(instance)
  await seen(reading, before, 'the table')
  await bench.sql(instance.spec, 'BEGIN; INSERT INTO t VALUES (1); ROLLBACK')
  await eventually('an abort', () => reading.newest() > before || undefined)
  const admin = await bench.driver.openLog(instance.folder)
  const { lsn } = await admin.identify()
  for (let n = 0; n < 16; n++) await bench.sql(instance.spec, `INSERT INTO t SELECT * FROM generate_series(1, 20000)`)
  const committed = await lastCommit(instance)
  await seen(reading, committed, 'the last row')
  assert.ok(segmentStart((await admin.identify()).lsn) > segmentStart(lsn), 'more than one segment was written')
  await admin.close()
  await bench.driver.stop(instance.engine, 'fast', 20_000)
  await assert.rejects(reading.stream.ended)
})

test('a part of the log that is gone is said to be gone', async () => {
  const instance = await bench.create({ settings: SETTINGS })
  const source = await bench.driver.openLog(instance.folder)
  await source.keep()
  await source.keep()
  const stream = await source
    .stream({ timeline: 1, lsn: 0n + 16n * 1024n * 1024n }, () => {})
    .catch((error: unknown) => error)
  if (stream instanceof Error) assert.ok(stream instanceof LogGone)
  else await assert.rejects((stream as LogStream).ended, LogGone)
  await source.close()
  await bench.driver.stop(instance.engine, 'fast', 20_000)
})
