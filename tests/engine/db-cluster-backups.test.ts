/** Automated backups of a real Multi-AZ DB cluster: the archive follows the writer, and any second of it can be restored. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CopyDBClusterSnapshotCommand,
  CreateDBClusterSnapshotCommand,
  DeleteDBClusterSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBClustersCommand,
  RestoreDBClusterToPointInTimeCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  type DBCluster,
  type DBClusterSnapshot,
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
import { deleteInstance, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, zoneOf } from '../support/processes.ts'

let holdfast: Holdfast

before(async () => {
  holdfast = await startHoldfast()
})
after(() => discard(holdfast))

async function restorable(id: string, from: number): Promise<DBCluster> {
  return eventually(`DB cluster ${id} can be restored to ${new Date(from).toISOString()}`, async () => {
    const { DBClusters } = await holdfast.rds().send(new DescribeDBClustersCommand({ DBClusterIdentifier: id }))
    const { LatestRestorableTime } = DBClusters![0]!
    return LatestRestorableTime && LatestRestorableTime.getTime() > from ? DBClusters![0] : undefined
  })
}

async function now(cluster: DBCluster): Promise<number> {
  const sql = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms'
  return (await query<{ ms: number }>(holdfast, writerEndpoint(cluster), sql))[0]!.ms
}

/** Of the copy of a cluster's snapshot, whose source is gone, an instance is made that has the rows. */
async function snapshotServes(cluster: DBCluster, rows: number): Promise<void> {
  const rds = holdfast.rds()
  const names = async (): Promise<string[]> => {
    const { DBClusterSnapshots } = await rds.send(new DescribeDBClusterSnapshotsCommand({ SnapshotType: 'manual' }))
    return DBClusterSnapshots!.map((one) => `${one.DBClusterSnapshotIdentifier} ${one.Status}`)
  }
  const become = (wanted: string): Promise<true> =>
    eventually(`the snapshots are: ${wanted}`, async () => ((await names()).join() === wanted ? true : undefined))
  const first = { DBClusterSnapshotIdentifier: 'first' }
  await rds.send(new CreateDBClusterSnapshotCommand({ DBClusterIdentifier: cluster.DBClusterIdentifier!, ...first }))
  await become('first available')
  await rds.send(
    new CopyDBClusterSnapshotCommand({
      SourceDBClusterSnapshotIdentifier: 'first',
      TargetDBClusterSnapshotIdentifier: 'copy',
    }),
  )
  await become('copy available,first available')
  await rds.send(new DeleteDBClusterSnapshotCommand(first))
  await become('copy available')
  const name = { DBClusterSnapshotIdentifier: 'copy' }
  const single = { DBInstanceIdentifier: 'single', DBInstanceClass: 'db.t4g.micro', BackupRetentionPeriod: 0 }
  await rds.send(new RestoreDBInstanceFromDBSnapshotCommand({ ...single, ...name }))
  const instance = await instanceIn(rds, 'single', 'available')
  assert.deepEqual(await query(holdfast, instance, 'select count(*)::int as n from written'), [{ n: rows }])
  await deleteInstance(rds, 'single')
  await rds.send(new DeleteDBClusterSnapshotCommand(name))
  await become('')
}

/** A backup window that is open, and a maintenance window out of its way. */
function openWindow(): { PreferredBackupWindow: string; PreferredMaintenanceWindow: string } {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16)
  return {
    PreferredBackupWindow: `${at(-1)}-${at(60)}`,
    PreferredMaintenanceWindow: `wed:${at(180)}-${at(210) < at(180) ? 'thu' : 'wed'}:${at(210)}`,
  }
}

/** The automated snapshots that are there, by cluster, once each of these has one. */
const automatedOf = (...clusters: string[]): Promise<DBClusterSnapshot[]> =>
  eventually(`automated snapshots of ${clusters.join(', ')} alone`, async () => {
    const asked = { SnapshotType: 'automated' }
    const { DBClusterSnapshots } = await holdfast.rds().send(new DescribeDBClusterSnapshotsCommand(asked))
    const found = DBClusterSnapshots!.filter(({ Status }) => Status === 'available')
    const isSo = found.map(({ DBClusterIdentifier }) => DBClusterIdentifier).join() === clusters.join()
    return isSo && DBClusterSnapshots!.length === clusters.length ? found : undefined
  })

test('what was acknowledged before and after the writer was killed is restored to a second, and nothing later', async () => {
  const rds = holdfast.rds()
  const cluster = await createCluster(rds, 'bank', { BackupRetentionPeriod: 1, ...openWindow() })
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int primary key)')
  await restorable('bank', 0)
  const [automated] = await automatedOf('bank')
  assert.match(automated!.DBClusterSnapshotIdentifier!, /^rds:bank-\d{4}-\d\d-\d\d-\d\d-\d\d$/)
  const named = { DBClusterSnapshotIdentifier: automated!.DBClusterSnapshotIdentifier! }
  await assert.rejects(rds.send(new DeleteDBClusterSnapshotCommand(named)), {
    name: 'InvalidDBClusterSnapshotStateFault',
  })
  await using inserts = new AcknowledgedInserts(holdfast, writerEndpoint(cluster))
  await inserts.more(50)
  const writer = (await membersOf(rds, cluster)).find((one) => one.DBInstanceIdentifier === writerOf(cluster))!
  process.kill(await engineOf(holdfast.state, zoneOf(writer), writer), 'SIGKILL')
  await inserts.more(50)
  await inserts.stop()
  const moved = await wholeCluster(rds, 'bank')
  assert.notEqual(writerOf(moved), writerOf(cluster))
  const count = 'select count(*)::int as n from written'
  const [before] = await query<{ n: number }>(holdfast, writerEndpoint(moved), count)
  const time = Math.ceil((await now(moved)) / 1000) * 1000 + 1000
  await restorable('bank', time)
  await query(holdfast, writerEndpoint(moved), 'insert into written values (-1)')

  const source = { SourceDBClusterIdentifier: 'bank', RestoreToTime: new Date(time) }
  await rds.send(new RestoreDBClusterToPointInTimeCommand({ DBClusterIdentifier: 'again', ...source }))
  const restored = await wholeCluster(rds, 'again')
  assert.equal(restored.BackupRetentionPeriod, 1)
  for (const address of [writerEndpoint(restored), readerEndpoint(restored)]) {
    const [rows] = await eventually('the rows', () =>
      query<{ n: number; later: number }>(
        holdfast,
        address,
        'select count(*)::int as n, (count(*) filter (where n < 0))::int as later from written',
      ).catch(() => undefined),
    )
    assert.deepEqual(rows, { n: before!.n, later: 0 })
  }
  await restorable('again', 0)
  await snapshotServes(restored, before!.n)
  const archives = async (): Promise<string[]> =>
    readdir(join(holdfast.state, 'archive', 'us-east-1', '000000000000'), { recursive: false })
  assert.deepEqual((await archives()).sort(), [cluster.DbClusterResourceId!, restored.DbClusterResourceId!].sort())
  await automatedOf('again', 'bank')
  await deleteCluster(rds, 'bank')
  await automatedOf('again')
  const folders = (await readdir(join(holdfast.state, 'snapshots'))).filter((name) => !name.endsWith('.json'))
  assert.equal(folders.length, 1)
})
