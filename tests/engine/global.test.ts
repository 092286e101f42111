/**
 * A global database on real PostgreSQL: Aurora DB clusters in two regions, of which the second has a volume of its own, a copy
 * of the first one's.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CreateDBClusterCommand,
  CreateGlobalClusterCommand,
  DescribeEventsCommand,
  DescribeGlobalClustersCommand,
  FailoverGlobalClusterCommand,
  RemoveFromGlobalClusterCommand,
  SwitchoverGlobalClusterCommand,
  type GlobalCluster,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { addInstance, createAurora, PREVIEW, wholeAurora } from '../support/aurora.ts'
import { clusterIn, readerEndpoint, writerEndpoint } from '../support/cluster.ts'
import { query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let [west, east]: RDSClient[] = []

before(async () => {
  holdfast = await startHoldfast({ env: { ...PREVIEW, HOLDFAST_REGION_LATENCY_MS: '10' } })
  west = holdfast.rds({ region: 'us-west-2' })
  east = holdfast.rds({ region: 'us-east-1' })
})
after(() => discard(holdfast))

async function globalShown(): Promise<GlobalCluster> {
  const { GlobalClusters } = await west!.send(new DescribeGlobalClustersCommand({ GlobalClusterIdentifier: 'world' }))
  return GlobalClusters![0]!
}

const rowsAt = async (address: ReturnType<typeof writerEndpoint>): Promise<number> =>
  Number((await query<{ n: string }>(holdfast, address, 'select count(*) as n from written'))[0]!.n)

const has = (address: ReturnType<typeof writerEndpoint>, rows: number): Promise<true> =>
  eventually(`${rows} rows`, async () => ((await rowsAt(address).catch(() => -1)) === rows ? true : undefined))

test('a cluster in another region has what is written in the first, in a volume of its own', async () => {
  await createAurora(west!, 'pacific')
  await addInstance(west!, 'pacific', 'pacific-1')
  const primary = await wholeAurora(west!, 'pacific', ({ DBClusterMembers }) => DBClusterMembers?.length === 1)
  await query(holdfast, writerEndpoint(primary), 'create table written (n int)')
  await query(holdfast, writerEndpoint(primary), 'insert into written select generate_series(1, 1000)')
  const source = { GlobalClusterIdentifier: 'world', SourceDBClusterIdentifier: primary.DBClusterArn }
  await west!.send(new CreateGlobalClusterCommand(source))
  await east!.send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: 'atlantic',
      Engine: 'aurora-postgresql',
      GlobalClusterIdentifier: 'world',
    }),
  )
  await addInstance(east!, 'atlantic', 'atlantic-1')
  const secondary = await wholeAurora(east!, 'atlantic', ({ DBClusterMembers }) => DBClusterMembers?.length === 1)
  assert.equal(secondary.ReplicationSourceIdentifier, primary.DBClusterArn)
  await has(readerEndpoint(secondary), 1_000)
  await query(holdfast, writerEndpoint(primary), 'insert into written values (0)')
  await has(readerEndpoint(secondary), 1_001)
  await assert.rejects(query(holdfast, readerEndpoint(secondary), 'insert into written values (0)'), /read-only/)
  const GlobalClusterMembers = await eventually('the copy is connected', async () => {
    const found = (await globalShown()).GlobalClusterMembers!
    return found.every(({ SynchronizationStatus }) => SynchronizationStatus === 'connected') ? found : undefined
  })
  assert.deepEqual(
    GlobalClusterMembers.map(({ DBClusterArn, IsWriter, SynchronizationStatus }) => [
      DBClusterArn,
      IsWriter,
      SynchronizationStatus,
    ]),
    [
      [primary.DBClusterArn, true, 'connected'],
      [secondary.DBClusterArn, false, 'connected'],
    ],
  )
})

test('an instance of any region says how far the copy is behind, and who is in the global database', async () => {
  const says = (at: ReturnType<typeof writerEndpoint>, sql: string, wanted: unknown): Promise<true> =>
    eventually(JSON.stringify(wanted), async () => {
      const found = (await query<Record<string, unknown>>(holdfast, at, sql)).map((row) => Object.values(row))
      return JSON.stringify(found) === JSON.stringify(wanted) ? true : undefined
    })
  const [primary, secondary] = [await clusterIn(west!, 'pacific'), await clusterIn(east!, 'atlantic')]
  for (const at of [writerEndpoint(primary), readerEndpoint(secondary)]) {
    await says(
      at,
      `select aws_region, highest_lsn_written > 0 as has_log, durability_lag_in_msec >= 0 as is_behind,
              rpo_lag_in_msec >= 0 as may_lose, feedback_xmin > 0 as needs_rows from aurora_global_db_status()`,
      [
        ['us-west-2', true, false, false, false],
        ['us-east-1', true, true, true, true],
      ],
    )
    await says(
      at,
      `select server_id, aws_region, session_id = 'MASTER_SESSION_ID' as writes, durable_lsn > 0 as is_durable,
              highest_lsn_rcvd > 0 as has_log, visibility_lag_in_msec >= 0 as is_behind from aurora_global_db_instance_status()`,
      [
        ['pacific-1', 'us-west-2', true, true, null, null],
        ['atlantic-1', 'us-east-1', false, true, true, true],
      ],
    )
  }
})

/** Rows are written one by one until no more is taken. Gives how many were acknowledged. */
async function writeUntilRefused(address: ReturnType<typeof writerEndpoint>, isOver: () => boolean): Promise<number> {
  let acknowledged = 0
  while (!isOver()) {
    const isTaken = await query(holdfast, address, 'insert into written values (1)').then(
      () => true,
      () => false,
    )
    if (isTaken) acknowledged++
  }
  return acknowledged
}

const primaryIs = (region: string): Promise<true> =>
  eventually(`the primary is in ${region}`, async () => {
    const { GlobalClusterMembers, FailoverState } = await globalShown()
    const writer = GlobalClusterMembers!.find(({ IsWriter }) => IsWriter)
    return FailoverState === undefined && writer?.DBClusterArn?.includes(region) ? true : undefined
  })

test('a switchover loses nothing of what was acknowledged while it began', async () => {
  const [before, target] = [await clusterIn(west!, 'pacific'), await clusterIn(east!, 'atlantic')]
  const rows = await rowsAt(writerEndpoint(before))
  let isOver = false
  const written = writeUntilRefused(writerEndpoint(before), () => isOver)
  await west!.send(
    new SwitchoverGlobalClusterCommand({
      GlobalClusterIdentifier: 'world',
      TargetDbClusterIdentifier: target.DBClusterArn!,
    }),
  )
  isOver = true
  const acknowledged = await written
  await primaryIs('us-east-1')
  const after = await wholeAurora(east!, 'atlantic')
  assert.equal(after.DBClusterMembers![0]!.IsClusterWriter, true)
  const found = await rowsAt(writerEndpoint(after))
  assert.ok(found >= rows + acknowledged, `${found} rows of ${rows + acknowledged}`)
  await query(holdfast, writerEndpoint(after), 'insert into written values (2)')
  const old = await wholeAurora(west!, 'pacific')
  assert.equal(old.DBClusterMembers![0]!.IsClusterWriter, false)
  await has(readerEndpoint(old), found + 1)
})

test('a failover promotes what is there, says what may be lost, and makes a copy of the old primary', async () => {
  const before = await clusterIn(west!, 'pacific')
  await west!.send(
    new FailoverGlobalClusterCommand({
      GlobalClusterIdentifier: 'world',
      TargetDbClusterIdentifier: before.DBClusterArn!,
      AllowDataLoss: true,
    }),
  )
  await primaryIs('us-west-2')
  const after = await wholeAurora(west!, 'pacific')
  const { Events } = await west!.send(
    new DescribeEventsCommand({ SourceType: 'db-cluster', SourceIdentifier: 'pacific', Duration: 60 }),
  )
  assert.match(Events!.map(({ Message }) => Message).join('\n'), /At most \d+ bytes of log were lost/)
  await query(holdfast, writerEndpoint(after), 'insert into written values (3)')
  const rows = await rowsAt(writerEndpoint(after))
  await has(readerEndpoint(await wholeAurora(east!, 'atlantic')), rows)
})

test('a cluster that is removed goes on by itself, with a writer', async () => {
  await east!.send(
    new RemoveFromGlobalClusterCommand({
      GlobalClusterIdentifier: 'world',
      DbClusterIdentifier: (await clusterIn(east!, 'atlantic')).DBClusterArn,
    }),
  )
  const alone = await wholeAurora(
    east!,
    'atlantic',
    ({ DBClusterMembers }) => DBClusterMembers![0]!.IsClusterWriter === true,
  )
  assert.equal(alone.GlobalClusterIdentifier, undefined)
  await query(holdfast, writerEndpoint(alone), 'insert into written values (-1)')
  const primary = await clusterIn(west!, 'pacific')
  assert.equal(await rowsAt(writerEndpoint(alone)), (await rowsAt(writerEndpoint(primary))) + 1)
})
