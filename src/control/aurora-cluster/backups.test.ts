/** Backups, snapshots and restores of Aurora clusters, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  addInstance,
  keptAuroraWith,
  auroraOf,
  clusterShown,
  keptAurora,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { eventsOf } from '../../../tests/support/simulated-cluster.ts'
import type { SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { basesOf } from '../automated-backup/record.ts'
import { restoreAnyClusterFromSnapshot, restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { createClusterSnapshot, listClusterSnapshots } from '../cluster/snapshots.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { restoreDbInstance } from '../db-snapshot/restore.ts'
import { auroraKeyOf } from './record.ts'

const NAMED = { DBClusterIdentifier: 'shop' }
const Engine = 'aurora-postgresql'

const bases = async (control: SimulatedControl): Promise<string[]> =>
  (await basesOf(control, auroraKeyOf(await auroraOf(control)))).map(
    ({ value }) => `${value.isStored ? 'stored' : 'begun'} ${value.copiedFrom ?? '-'}`,
  )

const take = (control: SimulatedControl, id: string): Promise<unknown> =>
  inTime(control, createClusterSnapshot(control, SCOPE, { ...NAMED, DBClusterSnapshotIdentifier: id }))

const statuses = async (control: SimulatedControl): Promise<string[]> =>
  (await listClusterSnapshots(control, SCOPE, {})).map(({ id, status }) => `${id} ${status}`)

test('a cluster has a backup before it has an instance, and a daily one while it has some', async () => {
  const control = await keptAuroraWith([], { BackupRetentionPeriod: 1 })
  assert.deepEqual(await bases(control), ['stored -'])
  const shown = await clusterShown(control)
  assert.ok(shown.EarliestRestorableTime! <= shown.LatestRestorableTime!)
  await addInstance(control, 'one')
  for (let day = 0; day < 2; day++) await control.clock.advance(DAY_MS)
  await keptAurora(control)
  const later = await clusterShown(control)
  assert.ok((await bases(control)).length >= 2 && later.EarliestRestorableTime! > shown.EarliestRestorableTime!)
  assert.ok(later.EarliestRestorableTime!.getTime() <= control.clock.now() - DAY_MS, 'all of the retention period')
  const [taken, ...more] = await statuses(control)
  assert.match(taken!, /^rds:shop-2026-01-0\d-\d\d-\d\d available$/)
  assert.deepEqual(more, [], 'of one day')
  await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }))
  await inTime(control, changeCluster(control, SCOPE, 'delete', { ...NAMED, SkipFinalSnapshot: true }))
  await keptAurora(control)
  assert.deepEqual(await statuses(control), [])
})

test('a restore to a time is a cluster without instances, with a volume and backups of its own', async () => {
  const control = await keptAuroraWith(['one'], { BackupRetentionPeriod: 7, DatabaseName: 'orders' })
  const asked = { DBClusterIdentifier: 'then', SourceDBClusterIdentifier: 'shop', UseLatestRestorableTime: true }
  await inTime(control, restoreAnyClusterToPointInTime(control, SCOPE, asked))
  await keptAurora(control)
  const shown = await clusterShown(control, 'then')
  assert.deepEqual(
    [shown.Status, shown.DBClusterMembers, shown.BackupRetentionPeriod, shown.MasterUsername, shown.DatabaseName],
    ['available', [], 7, 'app', 'orders'],
  )
  assert.notEqual((await volumeOf(control, 'then')).id, (await volumeOf(control)).id)
  await addInstance(control, 'two', { DBClusterIdentifier: 'then' })
  assert.equal((await clusterShown(control, 'then')).DBClusterMembers!.length, 1)
  assert.ok((await clusterShown(control, 'then')).LatestRestorableTime)
})

test('a snapshot is a copy of a reader where there is one, and is tried again when its engine was busy with more', async () => {
  const control = await keptAuroraWith(['one', 'two'])
  control.failingOnce = 'instance.snapshot'
  await take(control, 'copy')
  await keptAurora(control)
  assert.deepEqual(await statuses(control), ['copy available'])
  assert.deepEqual(await eventsOf(control, 'db-cluster-snapshot'), ['0074', '0075'])
  const [record] = await listClusterSnapshots(control, SCOPE, {})
  const reader = (await auroraOf(control)).members.find(({ id }) => id === 'two')!
  assert.equal(record!.zone, reader.zone)
  const restored = { DBClusterIdentifier: 'again', SnapshotIdentifier: 'copy', Engine }
  await inTime(control, restoreAnyClusterFromSnapshot(control, SCOPE, restored))
  await keptAurora(control)
  assert.equal((await clusterShown(control, 'again')).Status, 'available')
  const single = { DBInstanceIdentifier: 'single', DBClusterSnapshotIdentifier: 'copy' }
  await assert.rejects(restoreDbInstance(control, SCOPE, single), /RestoreDBClusterFromSnapshot/)
})

test('a cluster that had no instance yet has a snapshot of what it was made with', async () => {
  const control = await keptAuroraWith([])
  await take(control, 'empty')
  await keptAurora(control)
  assert.deepEqual(await statuses(control), ['empty available'])
})

test('a cluster stays when its final snapshot fails, and is looked after as before', async () => {
  const control = await keptAuroraWith([])
  control.failingOnce = 'volume.seed'
  const asked = { ...NAMED, FinalDBSnapshotIdentifier: 'last' }
  await inTime(control, changeCluster(control, SCOPE, 'delete', asked))
  await keptAurora(control)
  assert.equal((await clusterShown(control)).Status, 'available')
  assert.deepEqual(await statuses(control), ['last failed'])
  await addInstance(control, 'one')
  assert.equal(await writerOf(control), 'one')
  const subjects = (await control.flows.list()).map(({ subject }) => subject.split('/').at(-1))
  for (const timer of ['archive', 'backup', 'keeper']) assert.ok(subjects.includes(timer), timer)
  await assert.rejects(changeCluster(control, SCOPE, 'delete', asked), { name: 'InvalidDBClusterStateFault' })
})
