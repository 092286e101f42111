/** The driver's verbs of replication, on two real engines. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readControlFile } from '#engine/postgres/control-file.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { eventually } from '../support/eventually.ts'
import { follow, primaryOf, reconfigure } from '../support/replication.ts'
import { never, openPostgresBench } from '../support/postgres-bench.ts'
import type { PostgresBench } from '../support/postgres-bench.ts'

let bench: PostgresBench

before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

test('a commit waits for the synchronous standby, which takes over with everything that was acknowledged', async () => {
  const primary = await bench.create()
  await bench.sql(primary.spec, 'create table t (n int primary key)')
  const standby = await follow(bench, primary)

  const waiting = await reconfigure(bench, primary, primaryOf(['b'], ['b']))
  await bench.driver.awaitSynchronous(primary.folder, waiting, never)
  const seen = await bench.driver.replication(primary.folder, waiting)
  assert.deepEqual(seen, {
    role: 'primary',
    timeline: 1,
    followers: [{ name: 'b', state: 'streaming', isSynchronous: true }],
  })
  await bench.sql(primary.spec, 'insert into t select generate_series(1, 1000)')
  await assert.rejects(bench.sql(standby.spec, 'select 1'), /pg_hba|no encryption|reject/, 'nobody reads there')

  // Without its standby the primary acknowledges nothing more.
  await bench.driver.kill(standby.engine)
  const session = await bench.client(primary.spec)
  let acknowledged = false
  const unheard = session.query('insert into t values (1001)').then(
    () => (acknowledged = true),
    () => undefined,
  )
  await eventually('the commit waits', async () => {
    const rows = await bench.sql(primary.spec, `select 1 from pg_stat_activity where wait_event = 'SyncRep'`)
    return rows.length > 0 ? true : undefined
  })
  await bench.driver.kill(primary.engine)
  await unheard
  assert.equal(acknowledged, false)
  standby.engine = bench.started(await bench.driver.start(standby.folder, standby.spec, never))

  const promoted: InstanceSpec = { ...standby.spec, replication: primaryOf([], []) }
  await bench.driver.configure(standby.folder, promoted)
  assert.equal(await bench.driver.promote(standby.folder, promoted, never), 2)
  const [row] = await bench.sql(promoted, 'select count(*)::int as n from t where n <= 1000')
  assert.equal(row!['n'], 1000)
  await bench.sql(promoted, 'insert into t values (2000)')
  assert.equal((await bench.driver.position(standby.folder, promoted)).timeline, 2)
  // Once more, as after a death in the middle.
  assert.equal(await bench.driver.promote(standby.folder, promoted, never), 2)
})

test('a readable standby shows what the primary commits, and refuses to write', async () => {
  const primary = await bench.create()
  const standby = await follow(bench, primary, { readable: true })
  await bench.sql(primary.spec, 'create table r as select 7 as n')
  const rows = await eventually('the table on the standby', () => bench.sql(standby.spec, 'select n from r'))
  assert.deepEqual(rows, [{ n: 7 }])
  await assert.rejects(bench.sql(standby.spec, 'insert into r values (8)'), /read-only transaction/)
  await eventually('the standby has applied all', async () => {
    const [ahead, behind] = [
      await bench.driver.position(primary.folder, primary.spec),
      await bench.driver.position(standby.folder, standby.spec),
    ]
    return behind.role === 'standby' && behind.replayedLsn === ahead.flushedLsn && behind.lagSeconds === 0
      ? true
      : undefined
  })
})

test('a standby that is to allow less than its primary allows as much', async () => {
  const primary = await bench.create({ settings: { shared_buffers: '2048', max_connections: '150' } })
  const standby = await follow(bench, primary, { readable: true, settings: { max_connections: '20' } })
  assert.equal((await readControlFile(join(standby.folder, 'data')))?.upstreamSettings['max_connections'], 150)
  const [row] = await bench.sql(standby.spec, 'show max_connections')
  assert.equal(row!['max_connections'], '150')
})

test('a follower that is one no more loses its slot, also when its sender takes its time to end', async () => {
  const primary = await bench.create()
  await follow(bench, primary)
  const [sender] = await bench.sql(primary.spec, 'select active_pid as pid from pg_replication_slots')
  process.kill(sender!['pid'] as number, 'SIGSTOP')
  let isOver = false
  const told = reconfigure(bench, primary, primaryOf([], [])).finally(() => (isOver = true))
  await eventually('a slot that was to be dropped', async () => {
    const asked = `select 1 from pg_stat_activity where query like '%pg_drop_replication_slot%' and pid <> pg_backend_pid()`
    return isOver || (await bench.sql(primary.spec, asked)).length > 0 ? true : undefined
  })
  process.kill(sender!['pid'] as number, 'SIGCONT')
  await told
  assert.deepEqual(await bench.sql(primary.spec, 'select slot_name from pg_replication_slots'), [])
})

test('a standby whose receiver hangs does not stream, whatever the receiver last said', async () => {
  const primary = await bench.create()
  const standby = await follow(bench, primary, { readable: true, settings: { wal_receiver_timeout: '1000' } })
  const [receiver] = await bench.sql(standby.spec, 'select pid from pg_stat_wal_receiver')
  const streams = (expected: boolean): Promise<true> =>
    eventually(`a standby that streams: ${expected}`, async () => {
      const seen = await bench.driver.replication(standby.folder, standby.spec)
      return seen?.role === 'standby' && seen.isStreaming === expected ? true : undefined
    })
  process.kill(receiver!['pid'] as number, 'SIGSTOP')
  await streams(false)
  assert.equal((await bench.driver.measure(standby.folder, standby.spec, true)).replicaLagSeconds, -1)
  process.kill(receiver!['pid'] as number, 'SIGCONT')
  await streams(true)
})

test('a standby whose source is stopped by a signal says that it does not answer', async () => {
  const primary = await bench.create()
  const standby = await follow(bench, primary)
  const answers = async (): Promise<boolean | undefined> => {
    const seen = await bench.driver.replication(standby.folder, standby.spec)
    return seen?.role === 'standby' ? seen.sourceAnswers : undefined
  }
  assert.equal(await answers(), true)
  process.kill(primary.engine.pid, 'SIGSTOP')
  assert.equal(await answers(), false)
  process.kill(primary.engine.pid, 'SIGCONT')
  assert.equal(await answers(), true)
})
