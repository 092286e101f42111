/**
 * Aurora DB clusters on real PostgreSQL, over a volume with real log nodes and heads: its writer, its readers, and what
 * becomes of them when one is gone. Only where it is asked for by HOLDFAST_AURORA: it is not whole yet.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  BacktrackDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClusterBacktracksCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeEventsCommand,
  FailoverDBClusterCommand,
  RestoreDBClusterFromSnapshotCommand,
  RestoreDBClusterToPointInTimeCommand,
  StartDBClusterCommand,
  StopDBClusterCommand,
  type DBCluster,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type pg from 'pg'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { addInstance, createAurora, PREVIEW, wholeAurora } from '../support/aurora.ts'
import { auroraClient, withoutDriver } from '../support/aurora-driver.ts'
import { clusterGone, clusterIn, membersOf, readerEndpoint, writerEndpoint, writerOf } from '../support/cluster.ts'
import { connect, instanceGone, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const ID = 'shop'
const MEMBERS = ['shop-1', 'shop-2', 'shop-3']

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ env: PREVIEW })
  rds = holdfast.rds()
})
after(() => discard(holdfast))

/** With all of its instances. */
const whole = (also?: (cluster: DBCluster) => boolean): Promise<DBCluster> => wholeAurora(rds, ID, also)

async function killWriter(cluster: DBCluster): Promise<void> {
  const members = await membersOf(rds, cluster)
  await kill(members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === writerOf(cluster))!)
}

async function kill({ AvailabilityZone, DbiResourceId }: DBInstance): Promise<void> {
  const folder = join(holdfast.state, 'hosts', AvailabilityZone!.at(-1)!, 'instances', DbiResourceId!)
  process.kill(Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL')
}

async function eventsOf(): Promise<string> {
  const asked = { SourceType: 'db-cluster', SourceIdentifier: ID, Duration: 60 } as const
  const { Events } = await rds.send(new DescribeEventsCommand(asked))
  return Events!.map(({ Message }) => Message).join('\n')
}

/** What was acknowledged at a time, before and after a writer was killed. */
const moments: { readonly time: Date; readonly acknowledged: readonly number[] }[] = []

const momentOf = ({ acknowledged }: AcknowledgedInserts): (typeof moments)[number] => {
  const kept = [...acknowledged]
  return { time: new Date(), acknowledged: kept }
}

/** The cluster has what was acknowledged by then, and no more. */
async function assertAsAt({ acknowledged }: (typeof moments)[number], cluster: DBCluster): Promise<void> {
  const rows = await query<{ n: number }>(holdfast, writerEndpoint(cluster), 'select n from written where n >= 0')
  const kept = new Set(rows.map(({ n }) => n))
  assert.deepEqual(
    acknowledged.filter((n) => !kept.has(n)),
    [],
    'acknowledged before that time',
  )
  // The one that was on its way may have been there already.
  assert.ok(kept.size <= acknowledged.length + 1, `${kept.size} rows, and ${acknowledged.length} were acknowledged`)
}

const backtrack = (to: Date): Promise<unknown> =>
  rds.send(new BacktrackDBClusterCommand({ DBClusterIdentifier: ID, BacktrackTo: to }))

async function backtracksOver(): Promise<void> {
  await eventually('backtracks are over', async () => {
    const { DBClusterBacktracks } = await rds.send(new DescribeDBClusterBacktracksCommand({ DBClusterIdentifier: ID }))
    const statuses = DBClusterBacktracks!.map(({ Status }) => Status!)
    assert.ok(!statuses.includes('failed'))
    return statuses.every((status) => status === 'completed') ? true : undefined
  })
}

/** Gives a cluster without instances its first one, and resolves when that can be asked. */
async function served(id: string): Promise<DBCluster> {
  await clusterIn(rds, id)
  await addInstance(rds, id, `${id}-1`)
  const cluster = await clusterIn(rds, id, (found) => found.DBClusterMembers?.length === 1)
  await eventually('it can be asked', async () =>
    query(holdfast, writerEndpoint(cluster), 'select 1').catch(() => undefined),
  )
  return cluster
}

async function snapshotTaken(id: string): Promise<void> {
  await eventually(`the snapshot ${id}`, async () => {
    const asked = { DBClusterSnapshotIdentifier: id }
    const { DBClusterSnapshots } = await rds.send(new DescribeDBClusterSnapshotsCommand(asked))
    assert.notEqual(DBClusterSnapshots![0]!.Status, 'failed')
    return DBClusterSnapshots![0]!.Status === 'available' ? true : undefined
  })
}

const rowsAt = async (address: Pick<DBInstance, 'Endpoint'>): Promise<number> =>
  Number((await query<{ n: string }>(holdfast, address, 'select count(*) as n from written'))[0]!.n)

async function connected(address: Pick<DBInstance, 'Endpoint'>): Promise<pg.Client & AsyncDisposable> {
  const client = await connect(holdfast, address)
  // Of one whose engine is killed.
  client.on('error', () => {})
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) })
}

const rowsIn = async (client: pg.Client, sql: string): Promise<number> =>
  (await client.query<{ n: number }>(sql)).rows[0]!.n

/** Log enough for an image in each zone. */
async function writeSegments(cluster: DBCluster): Promise<void> {
  const more = `select pg_logical_emit_message(false, 'more than a segment', repeat('x', 17000000))`
  for (let i = 0; i < 2; i++) await query(holdfast, writerEndpoint(cluster), more)
}

test('a cluster is one volume, and its instances are made of it', async () => {
  await createAurora(rds, ID, { BacktrackWindow: 3600 })
  for (const id of MEMBERS) await addInstance(rds, ID, id)
  const cluster = await whole((found) => found.DBClusterMembers?.length === MEMBERS.length)
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int)')
  await query(holdfast, writerEndpoint(cluster), 'insert into written select -generate_series(1, 100)')
  await eventually('readers have it', async () =>
    (await rowsAt(readerEndpoint(cluster)).catch(() => 0)) === 100 ? true : undefined,
  )
  await assert.rejects(query(holdfast, readerEndpoint(cluster), 'insert into written values (0)'), /read-only/)
})

test('each zone gets an image of what was written, and a new reader is made of it', async () => {
  const cluster = await whole()
  await writeSegments(cluster)
  const snapshots = join(holdfast.state, 'snapshots')
  const images = await eventually('three images', async () => {
    const names = (await readdir(snapshots)).filter((name) => /-image-\d+\.json$/.test(name))
    return names.length === 3 ? names : undefined
  })
  const facts = JSON.parse(await readFile(join(snapshots, images[0]!), 'utf8')) as SnapshotFacts
  assert.ok(facts.image!.from > 32 * 1024 * 1024)
  await addInstance(rds, ID, 'shop-late')
  const grown = await whole((found) => found.DBClusterMembers?.length === MEMBERS.length + 1)
  const late = (await membersOf(rds, grown)).find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === 'shop-late')!
  const [zone, id] = [late.AvailabilityZone!.at(-1)!, late.DbiResourceId!]
  const folder = join(holdfast.state, 'hosts', zone, 'instances', id, 'data', 'pg_wal')
  const oldest = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted()[0]!
  assert.ok(Number.parseInt(oldest.slice(16), 16) >= 3, `it has applied nothing that the image has: ${oldest}`)
  assert.equal(await rowsAt(late), 100)
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'shop-late', SkipFinalSnapshot: true }))
  await instanceGone(rds, 'shop-late')
})

test('log that nobody needs goes from all copies', async () => {
  const cluster = await whole()
  const folders = await Promise.all(
    ['a', 'b', 'c'].map(async (zone) => {
      const volumes = join(holdfast.state, 'hosts', zone, 'lognode', 'volumes')
      const [volume] = await readdir(volumes)
      return (await readdir(join(volumes, volume!))).map((member) => join(volumes, volume!, member))
    }),
  )
  assert.equal(folders.flat().length, 6)
  await writeSegments(cluster)
  await eventually('the first file of each is gone', async () => {
    const files = await Promise.all(folders.flat().map((folder) => readdir(folder)))
    return files.every((names) => !names.includes('000000000000.log')) ? true : undefined
  })
  assert.equal(await rowsAt(readerEndpoint(cluster)), 100)
})

test('the writer keeps what a query of a reader needs, as long as the reader is there', async () => {
  const cluster = await whole()
  const members = await membersOf(rds, cluster)
  const reader = members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier !== writerOf(cluster))!
  await using writing = await connected(writerEndpoint(cluster))
  await using reading = await connected(reader)
  await writing.query('create table aged as select generate_series(1, 100) as n')
  const countAged = 'select count(*)::int as n from aged'
  await eventually('the reader has it', async () =>
    (await rowsIn(reading, countAged).catch(() => 0)) === 100 ? true : undefined,
  )
  await reading.query('begin isolation level repeatable read')
  assert.equal(await rowsIn(reading, countAged), 100)
  const { rows } = await reading.query<{ xmin: string }>(
    'select backend_xmin::text as xmin from pg_stat_activity where pid = pg_backend_pid()',
  )
  const heldBy = `select count(*)::int as n from pg_stat_replication where backend_xmin::text = '${rows[0]!.xmin}'`
  // What is written meanwhile would be needed by all that begins later.
  await writing.query('delete from aged')
  await eventually('the writer has heard of it', async () => ((await rowsIn(writing, heldBy)) === 1 ? true : undefined))
  const bytes = `select pg_relation_size('aged')::int as n`
  await writing.query('vacuum aged')
  assert.ok((await rowsIn(writing, bytes)) > 0, 'rows that the reader sees are still there')
  assert.equal(await rowsIn(reading, countAged), 100)
  await kill(reader)
  await eventually('nobody needs it any more', async () => {
    await writing.query('vacuum aged')
    return (await rowsIn(writing, bytes)) === 0 ? true : undefined
  })
  await whole()
})

test('a writer that dies is followed by a reader, with everything that was acknowledged', async () => {
  const before = await whole()
  await using traffic = new AcknowledgedInserts(holdfast, writerEndpoint(before))
  await traffic.more(100)
  moments.push(momentOf(traffic))
  await killWriter(before)
  await traffic.more(100)
  const after = await whole((found) => writerOf(found) !== writerOf(before))
  await traffic.more(50)
  await traffic.stop()
  moments.push(momentOf(traffic))
  await traffic.assertKept()
  assert.match(await eventsOf(), /Started cross AZ failover to DB instance: shop-\d.*\n?.*Completed failover/)
  // As drivers that know Aurora do, at whatever instance they are.
  const topology = `select server_id from aurora_replica_status() where session_id = 'MASTER_SESSION_ID'
    and coalesce(extract(epoch from now() - last_update_timestamp), 0) < 300 and (select count(*) from aurora_replica_status()) = 3`
  await eventually('readers and the writer say who writes', async () => {
    const said = await Promise.all(
      [writerEndpoint(after), readerEndpoint(after)].map((at) => query(holdfast, at, topology)),
    )
    return (
      said.every((found) => JSON.stringify(found) === JSON.stringify([{ server_id: writerOf(after) }])) || undefined
    )
  })
  const rows = await rowsAt(writerEndpoint(after))
  await eventually('readers have all of it', async () =>
    (await rowsAt(readerEndpoint(after)).catch(() => 0)) === rows ? true : undefined,
  )
})

test('a driver that knows Aurora reads from a reader, and follows the writer', { skip: withoutDriver }, async () => {
  const before = await whole()
  await using driver = await auroraClient(holdfast, before)
  const at = async (): Promise<unknown> =>
    (await driver.query('select aurora_db_instance_identifier() as id')).rows[0]!['id']
  assert.equal(await at(), writerOf(before))
  await driver.setReadOnly(true)
  assert.ok(MEMBERS.filter((id) => id !== writerOf(before)).includes((await at()) as string))
  await assert.rejects(driver.query('insert into written values (-5000)'), /read-only/)
  await driver.setReadOnly(false)
  await killWriter(before)
  // A statement that is under way may end with the engine's own words instead.
  await eventually('it says that it is elsewhere now', async () => {
    const said = await at().catch(String)
    return /The active SQL connection has changed/.test(String(said)) ? true : undefined
  })
  const { rows } = await driver.query(
    'insert into written values (-5000) returning aurora_db_instance_identifier() as id',
  )
  const after = await whole((found) => writerOf(found) !== writerOf(before))
  assert.equal(rows[0]!['id'], writerOf(after))
})

test('it fails over to whom one asks for, stops, and starts with all that it had', async () => {
  const before = await whole()
  const target = MEMBERS.find((id) => id !== writerOf(before))!
  await using traffic = new AcknowledgedInserts(holdfast, writerEndpoint(before))
  await traffic.more(50)
  await rds.send(new FailoverDBClusterCommand({ DBClusterIdentifier: ID, TargetDBInstanceIdentifier: target }))
  await whole((found) => writerOf(found) === target)
  await traffic.more(50)
  await traffic.stop()
  await traffic.assertKept()
  await rds.send(new StopDBClusterCommand({ DBClusterIdentifier: ID }))
  await eventually('it is stopped', async () => {
    const members = await membersOf(rds, before)
    return members.every(({ DBInstanceStatus }) => DBInstanceStatus === 'stopped') ? true : undefined
  })
  await eventually('it can be started', () =>
    rds.send(new StartDBClusterCommand({ DBClusterIdentifier: ID })).catch(() => undefined),
  )
  await whole()
  await traffic.assertKept()
})

test('it goes back to before a writer died, and forward again, also when serve dies meanwhile', async () => {
  const [early, late] = moments
  const before = await whole(({ EarliestBacktrackTime }) => EarliestBacktrackTime! <= early!.time)
  await backtrack(early!.time)
  await backtracksOver()
  const back = await whole(({ Endpoint }) => Endpoint === before.Endpoint)
  await assertAsAt(early!, back)
  await query(holdfast, writerEndpoint(back), 'insert into written values (-4000)')
  const rows = await rowsAt(writerEndpoint(back))
  await eventually('readers have gone back, too', async () =>
    (await rowsAt(readerEndpoint(back)).catch(() => 0)) === rows ? true : undefined,
  )
  await backtrack(late!.time)
  await holdfast.kill()
  holdfast = await startHoldfast({ env: PREVIEW, state: holdfast.state })
  rds = holdfast.rds()
  await backtracksOver()
  const forward = await whole()
  await assertAsAt(late!, forward)
  assert.deepEqual(await query(holdfast, writerEndpoint(forward), 'select from written where n = -4000'), [])
})

test('it can be restored to times before and after a writer died, with what was acknowledged by then and no more', async () => {
  await query(holdfast, writerEndpoint(await whole()), 'insert into written values (-1000)')
  const last = moments.at(-1)!.time
  await clusterIn(rds, ID, ({ LatestRestorableTime }) => LatestRestorableTime! > last)
  await Promise.all(
    moments.map(async ({ time, acknowledged }, number) => {
      const id = `then-${number}`
      await rds.send(
        new RestoreDBClusterToPointInTimeCommand({
          DBClusterIdentifier: id,
          SourceDBClusterIdentifier: ID,
          RestoreToTime: time,
        }),
      )
      await assertAsAt({ time, acknowledged }, await served(id))
    }),
  )
})

test('a clone has what was acknowledged when it was asked for, and neither of the two has what the other one writes', async () => {
  const cluster = await whole()
  await using traffic = new AcknowledgedInserts(holdfast, writerEndpoint(cluster), { first: 1_000_000 })
  await traffic.more(50)
  const acknowledged = [...traffic.acknowledged]
  await rds.send(
    new RestoreDBClusterToPointInTimeCommand({
      DBClusterIdentifier: 'clone',
      SourceDBClusterIdentifier: ID,
      RestoreType: 'copy-on-write',
      UseLatestRestorableTime: true,
    }),
  )
  const clone = await served('clone')
  await traffic.stop()
  await query(holdfast, writerEndpoint(cluster), 'insert into written values (-2000)')
  await query(holdfast, writerEndpoint(clone), 'insert into written values (-3000)')
  const [ours, theirs] = await Promise.all(
    [cluster, clone].map(async (at) => {
      const rows = await query<{ n: number }>(holdfast, writerEndpoint(at), 'select n from written')
      return new Set(rows.map(({ n }) => n))
    }),
  )
  assert.deepEqual(
    acknowledged.filter((n) => !theirs!.has(n)),
    [],
  )
  assert.deepEqual(
    [ours!.has(-2000), ours!.has(-3000), theirs!.has(-2000), theirs!.has(-3000)],
    [true, false, false, true],
  )
  assert.ok(clone.CloneGroupId)
  assert.equal((await whole()).CloneGroupId, clone.CloneGroupId)
})

test('a snapshot of a cluster with one instance is a copy of its writer', async () => {
  const name = { DBClusterSnapshotIdentifier: 'copy' }
  await rds.send(new CreateDBClusterSnapshotCommand({ DBClusterIdentifier: 'then-0', ...name }))
  await snapshotTaken('copy')
})

test('it goes with its last instance gone, and leaves a snapshot with all that it had', async () => {
  const rows = await rowsAt(writerEndpoint(await whole()))
  for (const id of MEMBERS) {
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }))
    await instanceGone(rds, id)
  }
  await rds.send(new DeleteDBClusterCommand({ DBClusterIdentifier: ID, FinalDBSnapshotIdentifier: 'last' }))
  await clusterGone(rds, ID)
  await snapshotTaken('last')
  await rds.send(
    new RestoreDBClusterFromSnapshotCommand({
      DBClusterIdentifier: 'again',
      SnapshotIdentifier: 'last',
      Engine: 'aurora-postgresql',
    }),
  )
  assert.equal(await rowsAt(writerEndpoint(await served('again'))), rows)
})

test('a clone lives without its source, and gets a reader', async () => {
  await addInstance(rds, 'clone', 'clone-2')
  const clone = await wholeAurora(rds, 'clone', (found) => found.DBClusterMembers?.length === 2)
  await query(holdfast, writerEndpoint(clone), 'insert into written values (-3001)')
  const rows = await rowsAt(writerEndpoint(clone))
  await eventually('its reader has all of it', async () =>
    (await rowsAt(readerEndpoint(clone)).catch(() => 0)) === rows ? true : undefined,
  )
})
