/** Multi-AZ DB clusters on real PostgreSQL: a writer, two readers, their endpoints, and what happens when one is gone. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  DescribeDBClusterEndpointsCommand,
  DescribeEventsCommand,
  FailoverDBClusterCommand,
  ModifyDBClusterCommand,
  type DBCluster,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import {
  createCluster,
  deleteCluster,
  membersOf,
  readerEndpoint,
  wholeCluster,
  writerEndpoint,
  writerOf,
} from '../support/cluster.ts'
import { connect, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
})
after(() => discard(holdfast))

/** Process of a member's engine. */
async function engineOf(cluster: DBCluster, id: string): Promise<number> {
  const member = (await membersOf(rds, cluster)).find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === id)!
  const folder = join(holdfast.state, 'hosts', member.AvailabilityZone!.at(-1)!, 'instances', member.DbiResourceId!)
  return Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
}

async function eventsOf(id: string): Promise<string[]> {
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-cluster', SourceIdentifier: id, Duration: 60 }),
  )
  return Events!.map(({ Message }) => Message!)
}

/** Of the engine behind an address: its port is not the address's, and tells it from others. */
const PORT_AND_ROLE = `select current_setting('port')::int as port, pg_is_in_recovery() as reads`
interface PortAndRole {
  readonly port: number
  readonly reads: boolean
}

/** The new password opens every member, the old one none. */
async function passwordChanges(cluster: DBCluster): Promise<void> {
  const password = 'another-horse-battery'
  await rds.send(
    new ModifyDBClusterCommand({ DBClusterIdentifier: cluster.DBClusterIdentifier!, MasterUserPassword: password }),
  )
  const now = await wholeCluster(rds, cluster.DBClusterIdentifier!)
  await query(holdfast, writerEndpoint(now), 'select 1', { password })
  for (const member of await membersOf(rds, now)) {
    await eventually(`the new password on ${member.DBInstanceIdentifier}`, () =>
      query(holdfast, member, 'select 1', { password }).catch(() => undefined),
    )
    await assert.rejects(query(holdfast, member, 'select 1'), /password authentication failed/)
  }
}

test('a new cluster has a writer, two readers that show what is written, and endpoints for each', async () => {
  const cluster = await createCluster(rds, 'orders', { DatabaseName: 'shop' })
  const [writer, readers] = [writerEndpoint(cluster), readerEndpoint(cluster)]
  await query(holdfast, writer, 'create table kept as select 42 as answer')
  const members = await membersOf(rds, cluster)
  assert.deepEqual(
    members.map(({ AvailabilityZone, DBInstanceStatus }) => [AvailabilityZone, DBInstanceStatus]),
    ['a', 'b', 'c'].map((zone) => [`us-east-1${zone}`, 'available']),
  )
  for (const member of members) {
    const rows = await eventually(`the table on ${member.DBInstanceIdentifier}`, () =>
      query(holdfast, member, 'select answer from kept').catch(() => undefined),
    )
    assert.deepEqual(rows, [{ answer: 42 }])
    const [role] = await query<PortAndRole>(holdfast, member, PORT_AND_ROLE)
    assert.equal(role!.reads, member.DBInstanceIdentifier !== writerOf(cluster))
  }
  const clients = await Promise.all([1, 2, 3, 4].map(() => connect(holdfast, readers)))
  const seen = await Promise.all(
    clients.map(async (client) => (await client.query<PortAndRole>(PORT_AND_ROLE)).rows[0]!),
  )
  await Promise.all(clients.map((client) => client.end()))
  assert.ok(seen.every(({ reads }) => reads))
  const counts = Map.groupBy(seen, ({ port }) => port)
  assert.deepEqual(
    [...counts.values()].map((of) => of.length),
    [2, 2],
    'spread evenly over both',
  )
  const [names] = await query<{ names: string }>(
    holdfast,
    writer,
    `select current_setting('synchronous_standby_names') as names`,
  )
  // In the order in which they came.
  assert.match(names!.names, /^ANY 1 \(("s_b", "s_c"|"s_c", "s_b")\)$/)
  const { DBClusterEndpoints } = await rds.send(
    new DescribeDBClusterEndpointsCommand({ DBClusterIdentifier: 'orders' }),
  )
  assert.deepEqual(
    DBClusterEndpoints!.map(({ Endpoint, EndpointType }) => [Endpoint, EndpointType]),
    [
      [cluster.ReaderEndpoint, 'READER'],
      [cluster.Endpoint, 'WRITER'],
    ],
  )
  await passwordChanges(cluster)
  await deleteCluster(rds, 'orders')
  for (const zone of ['a', 'b', 'c'])
    assert.deepEqual(await readdir(join(holdfast.state, 'hosts', zone, 'instances')), [])
  assert.deepEqual(await readdir(join(holdfast.state, 'snapshots')), [])
})

test('kill -9 of the writer under load: a reader takes over with all that was acknowledged, and readers go on', async () => {
  const cluster = await createCluster(rds, 'killed')
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int primary key)')
  await using inserts = new AcknowledgedInserts(holdfast, writerEndpoint(cluster))
  await inserts.more(50)
  process.kill(await engineOf(cluster, writerOf(cluster)), 'SIGKILL')
  await query(holdfast, readerEndpoint(cluster), 'select count(*) from written')
  await inserts.more(50)
  await inserts.stop()
  const now = await wholeCluster(rds, 'killed')
  assert.notEqual(writerOf(now), writerOf(cluster))
  assert.deepEqual(
    [now.Endpoint, now.Port, now.ReaderEndpoint],
    [cluster.Endpoint, cluster.Port, cluster.ReaderEndpoint],
  )
  await inserts.assertKept()
  const [role] = await query<PortAndRole>(holdfast, readerEndpoint(now), PORT_AND_ROLE)
  assert.equal(role!.reads, true)
  const events = (await eventsOf('killed')).join('\n')
  assert.match(
    events,
    /Started cross AZ failover from DB instance killed-instance-1\.[^]*Failover to DB instance killed-instance-\d completed/,
  )
  await deleteCluster(rds, 'killed')
})

test('a failover that is asked for, to the reader that is asked for, and back: nothing acknowledged is lost', async () => {
  const cluster = await createCluster(rds, 'forced')
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int primary key)')
  await using inserts = new AcknowledgedInserts(holdfast, writerEndpoint(cluster))
  await inserts.more(20)
  for (const TargetDBInstanceIdentifier of ['forced-instance-3', 'forced-instance-1']) {
    await rds.send(new FailoverDBClusterCommand({ DBClusterIdentifier: 'forced', TargetDBInstanceIdentifier }))
    await wholeCluster(rds, 'forced', (now) => writerOf(now) === TargetDBInstanceIdentifier)
    await inserts.more(20)
  }
  await inserts.stop()
  await inserts.assertKept()
  await deleteCluster(rds, 'forced')
})
