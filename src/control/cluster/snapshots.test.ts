/** Snapshots of DB clusters, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, eventsOf, isWholeAgain, newCluster } from '../../../tests/support/simulated-cluster.ts'
import { copySnapshot, deleteSnapshot } from '../db-snapshot/change.ts'
import { restoreDbInstance } from '../db-snapshot/restore.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { addTags, listTags } from '../tag/tags.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { restoreAnyClusterFromSnapshot } from './restore.ts'
import { OF_CLUSTERS } from './snapshot-kind.ts'
import { createClusterSnapshot, describeClusterSnapshot, listClusterSnapshots } from './snapshots.ts'

const DBClusterIdentifier = 'orders'
const DBClusterSnapshotIdentifier = 'before'

async function withCluster(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await inTime(control, newCluster(control, DBClusterIdentifier, { BackupRetentionPeriod: 0 }))
  return control
}

const take = (control: SimulatedControl): Promise<DbSnapshotRecord> =>
  inTime(control, createClusterSnapshot(control, SCOPE, { DBClusterIdentifier, DBClusterSnapshotIdentifier }))

const statuses = async (control: SimulatedControl): Promise<string[]> =>
  (await listClusterSnapshots(control, SCOPE, { DBClusterIdentifier })).map(({ id, status }) => `${id} ${status}`)

test('a snapshot is a copy of a reader, outlives its cluster, and goes when it is deleted', async () => {
  const control = await withCluster()
  assert.equal((await take(control)).status, 'creating')
  assert.deepEqual(await statuses(control), ['before available'])
  const [record] = await listClusterSnapshots(control, SCOPE, {})
  assert.notEqual(record!.zone, (await clusterOf(control)).writer)
  const arn = describeClusterSnapshot(record!).DBClusterSnapshotArn!
  await addTags(control, SCOPE, { arn, tags: [{ Key: 'team', Value: 'shop' }] })
  assert.deepEqual(await listTags(control, SCOPE, arn), [{ Key: 'team', Value: 'shop' }])
  assert.deepEqual(await eventsOf(control, 'db-cluster-snapshot'), ['0074', '0075'])
  await assert.rejects(take(control), { name: 'DBClusterSnapshotAlreadyExistsFault' })
  await inTime(control, deleteDbCluster(control, SCOPE, { DBClusterIdentifier, SkipFinalSnapshot: true }))
  assert.deepEqual(await statuses(control), ['before available'])
  await inTime(control, deleteSnapshot(control, SCOPE, { kind: OF_CLUSTERS, name: arn }))
  assert.deepEqual(await statuses(control), [])
  assert.deepEqual(await control.hosts.ask('a', 'host.contents', {}), { instances: [], snapshots: [] })
})

test('a cluster and an instance are made of a snapshot, with what it was', async () => {
  const control = await withCluster()
  await take(control)
  const input = { DBClusterIdentifier: 'again', SnapshotIdentifier: 'before', Engine: 'postgres' }
  await inTime(control, restoreAnyClusterFromSnapshot(control, SCOPE, input))
  const again = await clusterOf(control, 'again')
  isWholeAgain(again)
  assert.deepEqual([again.phase, again.master.username, again.settings.AllocatedStorage], ['available', 'app', 100])
  const instance = await inTime(
    control,
    restoreDbInstance(control, SCOPE, { DBInstanceIdentifier: 'one', DBClusterSnapshotIdentifier }),
  )
  assert.equal(instance.settings.AllocatedStorage, 100)
  const other = { ...input, DBClusterIdentifier: 'other' }
  await assert.rejects(
    restoreAnyClusterFromSnapshot(control, SCOPE, { ...other, Engine: 'aurora-mysql' }),
    /aurora-mysql/,
  )
  await assert.rejects(restoreAnyClusterFromSnapshot(control, SCOPE, { ...other, EngineVersion: '17.9' }), /18\.4/)
  await assert.rejects(restoreAnyClusterFromSnapshot(control, SCOPE, { ...other, SnapshotIdentifier: 'none' }), {
    name: 'DBClusterSnapshotNotFoundFault',
  })
})

test('a copy that fails says so, and can be deleted', async () => {
  const control = await withCluster()
  control.failing = 'instance.snapshot'
  await take(control)
  assert.deepEqual(await statuses(control), ['before failed'])
  const input = { DBClusterIdentifier: 'again', SnapshotIdentifier: 'before', Engine: 'postgres' }
  await assert.rejects(restoreAnyClusterFromSnapshot(control, SCOPE, input), {
    name: 'InvalidDBClusterSnapshotStateFault',
  })
  await inTime(control, deleteSnapshot(control, SCOPE, { kind: OF_CLUSTERS, name: DBClusterSnapshotIdentifier }))
  assert.deepEqual(await statuses(control), [])
})

test('a copy is made in any region, with the tags that are asked for, and does without its source', async () => {
  const control = await withCluster()
  await take(control)
  const [before] = await listClusterSnapshots(control, SCOPE, {})
  const arn = describeClusterSnapshot(before!).DBClusterSnapshotArn!
  await addTags(control, SCOPE, { arn, tags: [{ Key: 'team', Value: 'shop' }] })
  const west = { ...SCOPE, region: 'us-west-2' }
  const there = { kind: OF_CLUSTERS, source: arn, target: 'there' }
  const first = await inTime(control, copySnapshot(control, west, { ...there, CopyTags: true }))
  assert.deepEqual([first.status, first.type, first.tags.length], ['copying', 'manual', 1])
  const here = { kind: OF_CLUSTERS, source: 'BEFORE', target: 'here', Tags: [{ Key: 'a', Value: 'b' }] }
  await inTime(control, copySnapshot(control, SCOPE, here))
  await inTime(control, deleteSnapshot(control, SCOPE, { kind: OF_CLUSTERS, name: arn }))

  const [copy] = await listClusterSnapshots(control, SCOPE, {})
  const described = describeClusterSnapshot(copy!)
  assert.deepEqual([described.Status, described.SourceDBClusterSnapshotArn], ['available', arn])
  assert.deepEqual(described.TagList, [{ Key: 'a', Value: 'b' }])
  assert.notEqual(copy!.resourceId, before!.resourceId)
  const { snapshots } = await control.hosts.ask('a', 'host.contents', {})
  assert.equal(snapshots.includes(before!.resourceId), false)
  assert.deepEqual(await eventsOf(control, 'db-cluster-snapshot'), ['0074', '0075', '0075'])
  const input = { DBClusterIdentifier: 'again', SnapshotIdentifier: 'here', Engine: 'postgres' }
  await inTime(control, restoreAnyClusterFromSnapshot(control, SCOPE, input))
  isWholeAgain(await clusterOf(control, 'again'))

  const [elsewhere] = await listClusterSnapshots(control, west, {})
  const distant = describeClusterSnapshot(elsewhere!).DBClusterSnapshotArn!
  assert.deepEqual([elsewhere!.status, elsewhere!.tags.length], ['available', 1])
  await assert.rejects(
    restoreAnyClusterFromSnapshot(control, SCOPE, {
      ...input,
      DBClusterIdentifier: 'far',
      SnapshotIdentifier: distant,
    }),
    { name: 'DBClusterSnapshotNotFoundFault' },
  )
})

test('no copy is made of what is not there as a whole', async () => {
  const control = await withCluster()
  control.failing = 'instance.snapshot'
  await take(control)
  const copy = { kind: OF_CLUSTERS, source: 'before', target: 'copy' }
  await assert.rejects(copySnapshot(control, SCOPE, copy), { name: 'InvalidDBClusterSnapshotStateFault' })
  control.failing = 'snapshot.copy'
  await inTime(
    control,
    createClusterSnapshot(control, SCOPE, { DBClusterIdentifier, DBClusterSnapshotIdentifier: 'whole' }),
  )
  await inTime(control, copySnapshot(control, SCOPE, { ...copy, source: 'whole' }))
  assert.deepEqual(await statuses(control), ['before failed', 'copy failed', 'whole available'])
})
