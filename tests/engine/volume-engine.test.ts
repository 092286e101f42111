/**
 * Engines of an Aurora cluster on a volume, by the driver's verbs alone: from the seed image over readers and writers to
 * what comes back after a death. The log is in memory, the feed is the real one.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemPostgresVersions } from '#engine/postgres.ts'
import { VolumeDiverged } from '#engine/volume-engine.ts'
import { SEED_LOG } from '#wire/agent/volume.ts'
import { parseLsn, segmentEnd } from '#wire/pg/lsn.ts'
import { withSession } from '#engine/postgres/sql.ts'
import { eventually } from '../support/eventually.ts'
import { never, openPostgresBench, PATIENCE_MS } from '../support/postgres-bench.ts'
import type { PostgresBench, TestInstance } from '../support/postgres-bench.ts'
import type { TestFeed } from '../support/volume-feed.ts'
import { attach, headOf, openVolume, reattach, start } from '../support/volume-instances.ts'
import type { TestHead, TestVolume } from '../support/volume-instances.ts'

const SYSTEM_BIN = '/usr/lib/postgresql/15/bin'
const systemEnv = { PATH: '/usr/bin:/bin', HOLDFAST_POSTGRES_BIN: SYSTEM_BIN }
const system = existsSync(SYSTEM_BIN) ? (await systemPostgresVersions(systemEnv))[0] : undefined

/** The newest; with time, those before, of which all but one come from npm. */
const engines = [
  { version: '18.4', env: process.env },
  ...(process.env['HOLDFAST_FAULT_MINUTES'] === undefined
    ? []
    : [
        { version: '17.10', env: process.env },
        { version: '16.14', env: process.env },
        ...(system === undefined ? [] : [{ version: system, env: systemEnv }]),
        { version: '14.23', env: process.env },
      ]),
]

for (const { version, env } of engines) {
  describe(`an engine on a volume, PostgreSQL ${version}`, () => {
    let bench: PostgresBench
    let volume: TestVolume
    let feed: TestFeed
    let a: TestInstance
    let b: TestInstance
    let head: TestHead | undefined

    before(async () => {
      bench = await openPostgresBench(env)
      volume = await openVolume(bench, version)
      feed = await volume.feed()
    })
    after(async () => {
      await head?.close()
      await feed?.close()
      await bench?.close()
    })

    const onVolume = (): PostgresBench['driver']['onVolume'] => bench.driver.onVolume
    const observe = (instance: TestInstance) => onVolume().observe(instance.folder, instance.spec)
    const streams = (instance: TestInstance, epoch: number): Promise<true> =>
      eventually(`it streams epoch ${epoch}`, async () => {
        const seen = await observe(instance)
        return seen?.isStreaming && seen.epoch === epoch ? true : undefined
      })
    const countOf = async (instance: TestInstance): Promise<number> =>
      Number((await bench.sql(instance.spec, 'SELECT count(*) AS n FROM t'))[0]!['n'])
    const has = (instance: TestInstance, rows: number): Promise<true> =>
      eventually(`${rows} rows`, async () => ((await countOf(instance)) === rows ? true : undefined))

    test('a seed says which log a volume begins with, and nobody comes in before the gate is opened', async () => {
      const { image, seed, log } = volume
      assert.equal(seed.epoch, 1)
      assert.equal(seed.start % (16 * 1024 * 1024), 0)
      assert.equal(statSync(join(image, SEED_LOG)).size, seed.end - seed.start)
      a = await attach(bench, volume, { version, volume: volume.attachment('a', [feed.port]) })
      await streams(a, 1)
      assert.deepEqual(await observe(a), { isWriter: false, epoch: 1, isStreaming: true })
      await assert.rejects(bench.sql(a.spec, 'SELECT 1'), { code: '28000' })
      assert.equal(log.end, seed.end)
    })

    test('a reader is promoted onto the timeline of its epoch, behind all that there is', async () => {
      const { seed, log } = volume
      a = await reattach(bench, a, { role: 'writer' })
      await onVolume().endSessions(a.folder)
      await onVolume().awaitLog(a.folder, log.end, never)
      // Epochs 2 to 4 came to nothing.
      const started = await onVolume().lead(a.folder, 5, never)
      assert.deepEqual(started, { start: seed.end, after: 1 })
      assert.deepEqual(await onVolume().lead(a.folder, 5, never), started, 'asked for again')
      await assert.rejects(onVolume().lead(a.folder, 6, never), /writes timeline 5/)
      assert.deepEqual(await observe(a), { isWriter: true, epoch: 5, isStreaming: false, started })
      await assert.rejects(bench.sql(a.spec, 'SELECT 1'), { code: '28000' })
    })

    test('commits wait for the head, and clients find what a cluster has', async () => {
      a = await reattach(bench, a, { isOpen: true })
      const session = await bench.client(a.spec)
      let isDone = false
      const commit = session.query('CREATE TABLE t (n int)').then(() => (isDone = true))
      await eventually('the commit waits', async () => {
        const rows = await bench.sql(a.spec, `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
        return rows.length > 0 ? true : undefined
      })
      assert.equal(isDone, false)
      head = await headOf(bench, a, volume.log, { epoch: 5, start: volume.seed.end })
      await commit
      await session.query('INSERT INTO t SELECT generate_series(1, 10)')
      await session.end()
    })

    test('clients that know Aurora are answered, on writers and on readers', async () => {
      b = await attach(bench, volume, { version, volume: volume.attachment('b', [feed.port], { isOpen: true }) })
      await has(b, 10)
      const seenAt = Date.UTC(2026, 0, 1)
      const row = (name: string) => ({
        serverId: `shop-${name}`,
        sessionId: `of ${name}`,
        seenAt,
        lagMs: 7,
        cpuPercent: 3,
      })
      for (const { folder } of [a, b])
        await onVolume().tellReplicas(folder, {
          replicas: [
            { ...row('a'), isWriter: true },
            { ...row('b'), isWriter: false },
          ],
        })
      for (const [instance, own] of [
        [a, 'a'],
        [b, 'b'],
      ] as const) {
        const [[is], [named], [version_]] = await Promise.all([
          bench.sql(instance.spec, IS_AURORA),
          bench.sql(instance.spec, 'SELECT aurora_db_instance_identifier() AS host'),
          bench.sql(instance.spec, 'SELECT aurora_version() AS v'),
        ])
        assert.deepEqual([is, named], [{ aurora_stat_utils: true }, { host: `shop-${own}` }])
        assert.equal(version_!['v'], `${version}.0`)
        const topology = await bench.sql(instance.spec, TOPOLOGY)
        const told = (name: string, writer: boolean): object => ({
          server_id: `shop-${name}`,
          is_writer: writer,
          cpu: 3,
          lag: writer ? 0 : 7,
          last_update_timestamp: name === own ? null : new Date(seenAt),
        })
        assert.deepEqual(topology, [told('a', true), told('b', false)])
      }
      const [live] = await bench.sql(
        b.spec,
        `SELECT current_read_lsn > 0 AS b FROM aurora_replica_status() WHERE server_id = 'shop-b'`,
      )
      assert.deepEqual(live, { b: true })
      // One that was the writer, and was told before it was one no more.
      await onVolume().tellReplicas(b.folder, { replicas: [{ ...row('b'), isWriter: true }] })
      await assert.rejects(bench.sql(b.spec, TOPOLOGY), { code: '57P03' })
      await assert.rejects(bench.sql(a.spec, `SELECT pg_read_file('PG_VERSION')`), { code: '42501' })
      assert.deepEqual(await bench.sql(a.spec, `UPDATE pg_settings SET setting = '5MB' WHERE name = 'work_mem'`), [
        { set_config: '5MB' },
      ])
    })

    test('of its global database an instance says what it was told last, and nothing where it is in none', async () => {
      const [clusters, instances] = ['aurora_global_db_status()', 'aurora_global_db_instance_status()'].map(
        (name) => `SELECT * FROM ${name}`,
      ) as [string, string]
      for (const sql of [clusters, instances]) assert.deepEqual(await bench.sql(a.spec, sql), [])
      const seenAt = Date.UTC(2026, 0, 1)
      const named = { region: 'us-east-1', sessionId: 'of' }
      const global = {
        region: 'us-east-1',
        clusters: [
          { region: 'us-east-1', isPrimary: true, end: 700 },
          // The epoch of a transaction is above 32 bits.
          { region: 'eu-west-1', isPrimary: false, end: 600, lagMs: 20, behindMs: 450, xmin: '8589935592', seenAt },
          { region: 'us-west-2', isPrimary: false },
        ],
        instances: [
          { ...named, serverId: 'shop-a', isWriter: true, durable: 700 },
          { ...named, serverId: 'shop-b', isWriter: false, durable: 700, received: 650, lagMs: 3 },
          // Another one, of the same name.
          {
            ...named,
            region: 'eu-west-1',
            serverId: 'shop-a',
            isWriter: false,
            durable: 600,
            received: 590,
            lagMs: 30,
          },
        ],
      }
      for (const { folder } of [a, b]) await onVolume().tellReplicas(folder, { replicas: [], global })
      const rows = await bench.sql(b.spec, clusters)
      assert.deepEqual(rows, [
        {
          aws_region: 'us-east-1',
          highest_lsn_written: '700',
          durability_lag_in_msec: '-1',
          rpo_lag_in_msec: '-1',
          last_lag_calculation_time: new Date(0),
          feedback_epoch: '0',
          feedback_xmin: '0',
        },
        {
          aws_region: 'eu-west-1',
          highest_lsn_written: '600',
          durability_lag_in_msec: '20',
          rpo_lag_in_msec: '450',
          last_lag_calculation_time: new Date(seenAt),
          feedback_epoch: '2',
          feedback_xmin: '1000',
        },
        { ...Object.fromEntries(Object.keys(rows[0]!).map((name) => [name, null])), aws_region: 'us-west-2' },
      ])
      for (const [{ spec }, own] of [
        [a, 0],
        [b, 1],
      ] as const) {
        const members = await bench.sql(spec, instances)
        assert.deepEqual(
          members.map((row) => [row['server_id'], row['aws_region'], row['session_id'], row['visibility_lag_in_msec']]),
          [
            ['shop-a', 'us-east-1', 'MASTER_SESSION_ID', null],
            ['shop-b', 'us-east-1', 'of', '3'],
            ['shop-a', 'eu-west-1', 'of', '30'],
          ],
        )
        assert.deepEqual([members[2]!['durable_lsn'], members[2]!['highest_lsn_rcvd']], ['600', '590'])
        // Of itself it knows better.
        assert.ok(Number(members[own]!['durable_lsn']) > volume.seed.end)
        if (own === 1) assert.ok(Number(members[own]!['highest_lsn_rcvd']) > volume.seed.end)
      }
      // One that was the writer, and was told before it was one no more.
      const instanceB = { ...named, serverId: 'shop-b', isWriter: true }
      await onVolume().tellReplicas(b.folder, { replicas: [], global: { ...global, instances: [instanceB] } })
      await assert.rejects(bench.sql(b.spec, instances), { code: '57P03' })
      for (const { folder } of [a, b]) await onVolume().tellReplicas(folder, { replicas: [] })
      for (const sql of [clusters, instances]) assert.deepEqual(await bench.sql(b.spec, sql), [])
    })

    test('a reader that was about to be promoted when it died is a reader when it starts again', async () => {
      for (const epoch of ['6', '7']) writeFileSync(historyOf(b, epoch), '# reserved\n')
      await bench.driver.stop(b.engine, 'immediate', PATIENCE_MS)
      b = await start(bench, b)
      await streams(b, 5)
      assert.equal(existsSync(historyOf(b, '6')), false)
    })

    test('a reader whose feed is silent goes on at another one as soon as it is told', async () => {
      const mute = await muteRelay(feed.port)
      const other = await volume.feed()
      try {
        // By itself it would wait for an hour.
        b = { ...b, spec: { ...b.spec, settings: { ...b.spec.settings, wal_receiver_timeout: '3600000' } } }
        b = await reattach(bench, b, { feeds: [{ host: '127.0.0.1', port: mute.port }] })
        await eventually('it reads through the relay', () => (mute.isUsed() ? true : undefined))
        await streams(b, 5)
        mute.fallSilent()
        await bench.sql(a.spec, 'INSERT INTO t VALUES (11)')
        b = await reattach(bench, b, { feeds: [{ host: '127.0.0.1', port: other.port }] })
        await has(b, 11)
        b = await reattach(bench, b, { feeds: [{ host: '127.0.0.1', port: feed.port }] })
        await streams(b, 5)
      } finally {
        await other.close()
        mute.close()
      }
    })

    test('of a log that ends within a record, what is whole is kept, and sessions of readers do not see the rest', async () => {
      const { log } = volume
      const session = await bench.client(b.spec)
      assert.equal((await session.query<{ n: number }>('SELECT count(*)::int AS n FROM t')).rows[0]!.n, 11)
      log.isDurableAtOnce = false
      const acknowledged = log.end
      await bench.sql(a.spec, `INSERT INTO t SELECT generate_series(1, 1000)`)
      await head!.close()
      await bench.driver.kill(a.engine)
      const cut = log.end - 20
      b = await reattach(bench, b, { role: 'writer', isOpen: false })
      await onVolume().endSessions(b.folder)
      await assert.rejects(session.query('SELECT 1'))
      log.release('b', cut)
      await onVolume().awaitLog(b.folder, cut, never)
      const started = await onVolume().lead(b.folder, 9, never)
      assert.equal(started.after, 5)
      assert.ok(acknowledged <= started.start && started.start < cut, `${acknowledged} ${started.start} ${cut}`)
      log.isDurableAtOnce = true
      head = await headOf(bench, b, log, { epoch: 9, start: started.start })
      b = await reattach(bench, b, { isOpen: true })
      assert.equal(await countOf(b), 11, 'the commit was in the record that was cut off')
      await bench.sql(b.spec, 'INSERT INTO t VALUES (12)')
    })

    test('an old writer with more than the log has is told so, and follows once it is made anew', async () => {
      a = await start(bench, { ...a, spec: { ...a.spec, volume: volume.attachment('a', [feed.port]) } })
      await eventually('it cannot follow', async () => ((await observe(a))?.obstacle === 'diverged' ? true : undefined))
      await assert.rejects(onVolume().awaitLog(a.folder, volume.log.history().at(-1)!.start, never), VolumeDiverged)
      await bench.driver.stop(a.engine, 'immediate', PATIENCE_MS)
      a = await attach(bench, volume, { version, volume: volume.attachment('a', [feed.port], { isOpen: true }) })
      await streams(a, 9)
      await has(a, 12)
    })

    test('a writer that was stopped in order is a reader next, and can lead again with what it has', async () => {
      await bench.driver.stop(b.engine, 'fast', PATIENCE_MS)
      await head!.close()
      const { log } = volume
      b = await start(bench, { ...b, spec: { ...b.spec, volume: volume.attachment('b', [feed.port]) } })
      assert.equal((await observe(b))!.isWriter, false)
      await onVolume().awaitLog(b.folder, log.end, never)
      const started = await onVolume().lead(b.folder, 10, never)
      assert.deepEqual(started, { start: log.end, after: 9 })
      head = await headOf(bench, b, log, { epoch: 10, start: started.start })
      b = await reattach(bench, b, { isOpen: true })
      await bench.sql(b.spec, 'INSERT INTO t VALUES (13)')
      await has(a, 13)
    })

    test('another volume begins with a copy of a reader, on the timeline of that, as a database of its own', async () => {
      const copy = join(bench.root, 'snapshots', 'copy')
      await bench.driver.snapshot(a.folder, a.spec, copy, true, never)
      const fill = (folder: string): Promise<void> => bench.driver.restore(folder, { version }, copy, never)
      const other = await openVolume(bench, version, { name: 'restored', fill })
      assert.equal(other.seed.epoch, 10)
      assert.notEqual(other.seed.systemId, volume.seed.systemId)
      const otherFeed = await other.feed()
      let c = await attach(bench, other, { version, volume: other.attachment('c', [otherFeed.port]) })
      await eventually('it streams', async () => ((await observe(c))?.isStreaming ? true : undefined))
      c = await reattach(bench, c, { role: 'writer' })
      assert.deepEqual(await onVolume().lead(c.folder, 11, never), { start: other.seed.end, after: 10 })
      const otherHead = await headOf(bench, c, other.log, { epoch: 11, start: other.seed.end })
      c = await reattach(bench, c, { isOpen: true })
      await bench.sql(c.spec, 'INSERT INTO t VALUES (14)')
      assert.deepEqual([await countOf(c), await countOf(a)], [14, 13])
      await bench.driver.stop(c.engine, 'immediate', PATIENCE_MS)
      await otherHead.close()
      await otherFeed.close()
    })

    test('a later image is one of what was written to its checkpoint, and all that readers made of it need is after that', async () => {
      const { log, seed } = volume
      await bench.sql(b.spec, 'INSERT INTO t SELECT generate_series(14, 10000)')
      await bench.sql(b.spec, `SELECT pg_logical_emit_message(false, 'more than a segment', repeat('x', 17000000))`)
      const until = await onVolume().checkpoint(b.folder, log.end - 1_000)
      assert.equal(await onVolume().checkpoint(b.folder, log.end - 1_000_000), until, 'that one is late enough')
      await bench.sql(b.spec, 'INSERT INTO t VALUES (10001)')
      await assert.rejects(onVolume().checkpoint(a.folder, 0), /only a writer/)
      const image = join(bench.root, 'snapshots', 'later')
      const order = { version, from: volume.image, volume: volume.attachment('keeper', [feed.port]), until }
      const facts = (await onVolume().image(image, order, never)).image!
      assert.deepEqual([facts.systemId, facts.epoch], [seed.systemId, 10])
      assert.ok(seed.start < facts.from && facts.from <= until && until - facts.from < 16 * 1024 * 1024)
      log.forget(facts.from)
      const c = await attach(
        bench,
        { image },
        { version, volume: volume.attachment('c', [feed.port], { isOpen: true }) },
      )
      await streams(c, 10)
      await has(c, 10_001)
      await bench.driver.stop(c.engine, 'fast', PATIENCE_MS)
      const late = { ...order, until: log.end + 1 }
      await assert.rejects(onVolume().image(join(bench.root, 'snapshots', 'late'), late, never), /log-removed/)
      assert.equal(existsSync(join(bench.root, 'snapshots', 'late')), false)
    })

    test('an image whose engine is killed while it is made is none, and the one before is as good as it was', async () => {
      const earlier = join(bench.root, 'snapshots', 'later')
      const target = join(bench.root, 'snapshots', 'killed')
      const order = {
        version,
        from: earlier,
        volume: volume.attachment('keeper', [feed.port]),
        until: volume.log.end + 1,
      }
      const drafts = join(bench.root, 'engines', 'postgres', 'images')
      const making = assert.rejects(onVolume().image(target, order, never), /did not apply the log/)
      const pid = await eventually('an engine makes it', () => {
        const [draft] = readdirSync(drafts)
        const started = readFileSync(join(drafts, draft!, 'log', 'start.log'), 'utf8').includes('started streaming WAL')
        return started
          ? Number(readFileSync(join(drafts, draft!, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
          : undefined
      })
      process.kill(pid, 'SIGKILL')
      await making
      assert.deepEqual([existsSync(target), readdirSync(drafts)], [false, []])
      const until = await onVolume().checkpoint(b.folder, volume.log.end)
      const facts = await onVolume().image(target, { ...order, until }, never)
      assert.ok(facts.image!.from <= until)
    })

    test('a branch is another volume with what the first one has, and neither has what the other gets', async () => {
      const earlier = join(bench.root, 'snapshots', 'killed')
      const since = volume.log.end
      // As of a writer that took over while the log before it was still being applied.
      writeFileSync(join(earlier, 'data', 'pg_wal', '000000FF.history'), '10\tF/0\tno recovery target specified\n')
      const until = await onVolume().checkpoint(b.folder, since)
      const order = { version, from: earlier, volume: volume.attachment('clone', [feed.port]), until }
      const rows = await countOf(b)
      const fill = (folder: string): Promise<void> => onVolume().branch(folder, order, never)
      const other = await openVolume(bench, version, { name: 'branch', fill })
      assert.notEqual(other.seed.systemId, volume.seed.systemId)
      assert.equal(existsSync(join(other.image, 'attachment')), false, 'it does not know how the first one is reached')
      const histories = readdirSync(join(other.image, 'data', 'pg_wal')).filter((name) => name.endsWith('.history'))
      assert.ok(histories.length > 0 && !histories.includes('000000FF.history'), histories.join())
      const otherFeed = await other.feed()
      let c = await attach(bench, other, { version, volume: other.attachment('c', [otherFeed.port]) })
      await eventually('it streams', async () => ((await observe(c))?.isStreaming ? true : undefined))
      c = await reattach(bench, c, { role: 'writer' })
      await onVolume().lead(c.folder, other.seed.epoch + 1, never)
      const otherHead = await headOf(bench, c, other.log, { epoch: other.seed.epoch + 1, start: other.seed.end })
      c = await reattach(bench, c, { isOpen: true })
      await bench.sql(c.spec, 'INSERT INTO t VALUES (0)')
      assert.deepEqual([await countOf(c), await countOf(b)], [rows + 1, rows])
      await bench.driver.stop(c.engine, 'immediate', PATIENCE_MS)
      await otherHead.close()
      await otherFeed.close()
      const none = { ...order, until: since }
      const draft = join(bench.root, 'instances', 'none')
      await assert.rejects(onVolume().branch(draft, none, never), /no checkpoint/)
    })

    test('a writer that ends behind a switch of segments is followed where the next segment begins', async () => {
      const { log } = volume
      log.isDurableAtOnce = false
      const [row] = await withSession({ folder: b.folder, surroundings: bench.surroundings }, ({ query }) =>
        query<{ lsn: string }>('SELECT pg_switch_wal()::text AS lsn'),
      )
      const cut = Number(parseLsn(row!.lsn))
      await eventually('the switch is in the log', () => (log.end >= cut ? true : undefined))
      await head!.close()
      await bench.driver.kill(b.engine)
      a = await reattach(bench, a, { role: 'writer', isOpen: false })
      await onVolume().endSessions(a.folder)
      log.release('a', cut)
      await onVolume().awaitLog(a.folder, cut, never)
      const started = await onVolume().lead(a.folder, 12, never)
      assert.deepEqual(started, { start: segmentEnd(cut), after: 10 })
      assert.ok(cut < started.start, 'four copies need not have had the empty rest')
    })

    test('a writer ends with the first of its processes that is killed', async () => {
      a = await reattach(bench, a, { isOpen: true })
      const [walwriter] = await bench.sql(a.spec, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`)
      process.kill(walwriter!['pid'] as number, 'SIGKILL')
      await a.engine.exited
      assert.match(readFileSync(historyOf(a, 'C'), 'utf8'), /^10\t/m)
    })
  })
}

const historyOf = ({ folder }: TestInstance, timeline: string): string =>
  join(folder, 'data', 'pg_wal', `${timeline.padStart(8, '0')}.history`)

// The questions of the AWS Advanced NodeJS Wrapper.
const IS_AURORA = `SELECT (setting LIKE '%aurora_stat_utils%') AS aurora_stat_utils FROM pg_settings WHERE name='rds.extensions'`
const TOPOLOGY = `SELECT server_id, CASE WHEN SESSION_ID = 'MASTER_SESSION_ID' THEN TRUE ELSE FALSE END AS is_writer,
  CPU, COALESCE(REPLICA_LAG_IN_MSEC, 0) AS lag, LAST_UPDATE_TIMESTAMP FROM aurora_replica_status() ORDER BY server_id`

interface MuteRelay {
  readonly port: number
  isUsed(): boolean
  /** Passes nothing on any more, and keeps all connections. */
  fallSilent(): void
  close(): void
}

async function muteRelay(to: number): Promise<MuteRelay> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: to })
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}))
    client.pipe(upstream)
    upstream.pipe(client)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    isUsed: () => sockets.size > 0,
    fallSilent() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
