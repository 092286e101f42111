/** Unmodified standbys stream from the feed, and see no more than they may. The log is in memory, and an engine's own. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemPostgresVersions } from '#engine/postgres.ts'
import { PEER, peerPassword } from '../../src/engine/postgres/peer.ts'
import { eventually } from '../support/eventually.ts'
import { HeldLog } from '../support/held-log.ts'
import { never, openPostgresBench, PATIENCE_MS } from '../support/postgres-bench.ts'
import type { PostgresBench, TestInstance } from '../support/postgres-bench.ts'
import { follow, primaryOf, reconfigure } from '../support/replication.ts'
import { WalReader } from '../support/wal-reader.ts'
import { logOf, openFeed, tap, type Tap, type TestFeed } from '../support/volume-feed.ts'

const SYSTEM_BIN = '/usr/lib/postgresql/15/bin'
const systemEnv = { PATH: '/usr/bin:/bin', HOLDFAST_POSTGRES_BIN: SYSTEM_BIN }
const system = existsSync(SYSTEM_BIN) ? (await systemPostgresVersions(systemEnv))[0] : undefined

/** The oldest and the newest; with time, those in between, which come from npm. */
const engines = [
  { version: '18.4', env: process.env },
  ...(system === undefined ? [] : [{ version: system, env: systemEnv }]),
  ...(process.env['HOLDFAST_FAULT_MINUTES'] === undefined
    ? []
    : ['16.14', '17.10'].map((version) => ({ version, env: process.env }))),
]

for (const { version, env } of engines) {
  describe(`the feed, for PostgreSQL ${version}`, () => {
    let bench: PostgresBench
    let primary: TestInstance
    let log: HeldLog
    let filling: Tap
    let feed: TestFeed
    let reader: TestInstance
    let candidate: TestInstance
    /** The candidate, once it is promoted. */
    let writer: TestInstance

    before(async () => {
      bench = await openPostgresBench(env)
      primary = await bench.create({ version })
      await reconfigure(bench, primary, primaryOf([], []))
      log = await logOf(bench, primary)
      filling = await tap(bench, primary, log)
      feed = await openFeed(bench, log)
      await bench.sql(primary.spec, 'CREATE TABLE t (n int)')
      const from = { upstreamPort: feed.port, readable: true }
      reader = await follow(bench, primary, from)
      candidate = await follow(bench, primary, { ...from, name: 'c' })
    })
    after(async () => {
      await feed?.close()
      await filling?.close()
      await bench?.close()
    })

    const count = async (instance: TestInstance): Promise<number> => {
      const [row] = await bench.sql(instance.spec, 'SELECT count(*)::int AS n FROM t')
      return row!['n'] as number
    }
    const awaitCount = (instance: TestInstance, rows: number): Promise<true> =>
      eventually(`${rows} rows`, async () => ((await count(instance)) === rows ? true : undefined))
    const insert = async (instance: TestInstance): Promise<void> => {
      await bench.sql(instance.spec, 'INSERT INTO t VALUES (1)')
      const [row] = await bench.sql(instance.spec, `SELECT (pg_current_wal_flush_lsn() - '0/0')::text AS lsn`)
      await eventually('the log has it', () => (log.end >= Number(row!['lsn']) ? true : undefined))
    }
    const streaming = (at: TestFeed): readonly (string | number | undefined)[] =>
      at.feed.readers().flatMap(({ reader: name, timeline }) => (timeline === undefined ? [] : [name, timeline]))

    test('what is durable is seen, what is not is not', async () => {
      await insert(primary)
      await awaitCount(reader, 1)
      log.isDurableAtOnce = false
      const { durable } = log
      await insert(primary)
      assert.equal(await count(reader), 1)
      assert.ok(feed.feed.readers().every(({ sent, written }) => sent! <= durable && written <= durable))
      log.show(log.end)
      await awaitCount(reader, 2)
    })

    test('nobody is let in without TLS', async () => {
      const plain = WalReader.open({
        port: feed.port,
        user: PEER,
        password: peerPassword(bench.surroundings),
        ssl: false,
      })
      await assert.rejects(plain, { code: '28000' })
    })

    test('the released one alone has what is not durable', async () => {
      log.isDurableAtOnce = false
      await insert(primary)
      log.release('c', log.end)
      await awaitCount(candidate, 3)
      assert.equal(await count(reader), 2)
    })

    test('readers follow the next epoch once it has something to show, and not before', async () => {
      await bench.driver.kill(primary.engine)
      await filling.close()
      // Epoch 2 came to nothing, after members had heard of it.
      log.adopt(2, log.end)
      writeFileSync(logFile(candidate, '00000002.history'), '# reserved\n')
      writer = { ...candidate, spec: { ...candidate.spec, replication: primaryOf([], []) } }
      await bench.driver.configure(writer.folder, writer.spec)
      await bench.driver.promote(writer.folder, writer.spec, never)
      filling = await tap(bench, writer, log)
      assert.deepEqual(
        log.history().map(({ epoch }) => epoch),
        [1, 3],
      )
      await insert(writer)
      assert.equal(await count(reader), 2)
      assert.ok(!existsSync(logFile(reader, '00000003.history')), 'an epoch without anything durable is told of')
      log.isDurableAtOnce = true
      log.show(log.end)
      await awaitCount(reader, 4)
      assert.match(readFileSync(logFile(reader, '00000002.history'), 'utf8'), /^#/)
      assert.deepEqual(streaming(feed), ['b', 3])
    })

    test('a reader goes on at another feed when its own dies, and past one that is behind', async () => {
      // Like a member that has not heard of the epoch that the reader is in.
      const behind = await openFeed(bench, new HeldLog(log.first(), { systemId: log.systemId }))
      const other = await openFeed(bench, log)
      useFeeds(reader, [feed.port, behind.port, other.port])
      await bench.driver.reload(reader.folder, reader.spec)
      await feed.close()
      await insert(writer)
      await awaitCount(reader, 5)
      assert.deepEqual([streaming(behind), streaming(other)], [[], ['b', 3]])
      feed = await openFeed(bench, log, { port: feed.port })
      await other.close()
      await insert(writer)
      await awaitCount(reader, 6)
      assert.deepEqual(streaming(feed), ['b', 3])
      await behind.close()
    })

    test('a reader that was away comes back over many segments', async () => {
      await bench.driver.stop(reader.engine, 'fast', PATIENCE_MS)
      await bench.sql(writer.spec, 'INSERT INTO t SELECT generate_series(1, 300000)')
      reader.engine = bench.started(await bench.driver.start(reader.folder, reader.spec, never))
      await awaitCount(reader, 300_006)
      assert.ok(log.end - log.first() > 3 * 16 * 1_024 * 1_024)
      assert.deepEqual(feed.lines.complaints, [])
    })
  })
}

const logFile = ({ folder }: TestInstance, name: string): string => join(folder, 'data', 'pg_wal', name)

/** Lets a reader go from one to the next, in this order. */
function useFeeds({ folder }: TestInstance, ports: readonly number[]): void {
  const path = join(folder, 'data', 'postgresql.conf')
  const [present = ''] = /primary_conninfo = .*/.exec(readFileSync(path, 'utf8')) ?? []
  const several = present
    .replace(/host=''[^']*''/, `host=''${ports.map(() => '127.0.0.1').join(',')}''`)
    .replace(/port=''[^']*''/, `port=''${ports.join(',')}''`)
  appendFileSync(path, `${several}\nwal_retrieve_retry_interval = '50ms'\n`)
}
