/** Automated backups of a DB cluster, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, eventsOf, isWholeAgain, newCluster, settled } from '../../../tests/support/simulated-cluster.ts'
import { baseBackups, type BaseBackupRecord } from '../automated-backup/record.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import { listClusterSnapshots } from '../cluster/snapshots.ts'
import { listAutomatedBackups } from '../db-snapshot/automated-backups.ts'
import { copySnapshot, deleteSnapshot } from '../db-snapshot/change.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'

/** The clock starts at midnight of 2026-01-01. */
const WINDOW = { PreferredBackupWindow: '05:00-05:30', PreferredMaintenanceWindow: 'sun:12:00-sun:12:30' }
const DBClusterIdentifier = 'orders'

async function withCluster(BackupRetentionPeriod: number): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await inTime(control, newCluster(control, 'orders', { BackupRetentionPeriod, ...WINDOW }))
  await settled(control)
  return control
}

const basesOf = async (control: SimulatedControl): Promise<BaseBackupRecord[]> =>
  (await baseBackups(control, SCOPE).list()).map(({ value }) => value)

test('a copy of a reader is taken at once and in each window, kept as long as it is needed, and none of DB instances', async () => {
  const control = await withCluster(1)
  const [first] = await basesOf(control)
  const { writer, resourceId } = await clusterOf(control)
  assert.notEqual(first!.zone, writer)
  assert.deepEqual([first!.isStored, first!.copiedFrom, first!.instance.resourceId], [true, undefined, resourceId])
  await control.clock.advance(5 * HOUR_MS)
  await settled(control)
  assert.equal((await basesOf(control)).length, 2)
  await control.clock.advance(29 * MINUTE_MS)
  await settled(control)
  assert.equal((await basesOf(control)).length, 2, 'one a window')
  await control.clock.advance(DAY_MS)
  await settled(control)
  const kept = await basesOf(control)
  assert.ok(kept.length >= 2 && kept.every(({ id }) => id !== first!.id), 'the oldest is needed no more')
  const { EarliestRestorableTime, LatestRestorableTime } = await describeCluster(control, await clusterOf(control))
  assert.ok(EarliestRestorableTime!.getTime() < LatestRestorableTime!.getTime())
  assert.deepEqual(await listAutomatedBackups(control, SCOPE, {}), [])
  assert.deepEqual(control.log.complaints, [])
})

test('a copy that fails leaves nothing behind, and is tried again after a rest', async () => {
  const control = await withCluster(0)
  control.failing = 'instance.snapshot'
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, BackupRetentionPeriod: 3 })
  await settled(control)
  assert.deepEqual(await basesOf(control), [])
  control.failing = undefined
  await control.clock.advance(2 * MINUTE_MS)
  await settled(control)
  assert.deepEqual(
    (await basesOf(control)).map(({ isStored }) => isStored),
    [true],
  )
})

const snapshots = async (control: SimulatedControl): Promise<string[]> =>
  (await listClusterSnapshots(control, SCOPE, { SnapshotType: 'automated' })).map(({ id, status }) => `${id} ${status}`)

/** Lets up to half an hour pass until these are the automated snapshots, dates of their names left out. */
async function become(control: SimulatedControl, wanted: string): Promise<DbSnapshotRecord[]> {
  for (let round = 0; round < 180; round++) {
    const found = await listClusterSnapshots(control, SCOPE, { SnapshotType: 'automated' })
    if (found.map(({ status }) => status).join() === wanted) return found
    await control.clock.advance(10_000)
  }
  return assert.fail(`${wanted}: ${(await snapshots(control)).join()}`)
}

/** The same for the one that takes the place of this one, and is as it was. */
async function another(control: SimulatedControl, before: DbSnapshotRecord): Promise<DbSnapshotRecord> {
  for (let round = 0; round < 60; round++) {
    const [only] = await become(control, before.status)
    if (only!.id !== before.id) return only!
    await control.clock.advance(10_000)
  }
  return assert.fail(`none comes after ${before.id}`)
}

test('in each window an automated snapshot is taken, which is a base backup, and nobody deletes before its time is up', async () => {
  const control = await withCluster(1)
  assert.deepEqual(await snapshots(control), [])
  await control.clock.advance(5 * HOUR_MS)
  const [taken] = await become(control, 'available')
  await settled(control)
  const name = taken!.id
  assert.match(name, /^rds:orders-2026-01-01-05-\d\d$/)
  const { writer } = await clusterOf(control)
  assert.notEqual(taken!.zone, writer)
  const base = (await basesOf(control)).at(-1)!
  assert.deepEqual([base.id, base.isStored, base.isTemporary], [taken!.resourceId, true, false])
  assert.deepEqual(await eventsOf(control, 'db-cluster-snapshot'), ['0168', '0169'])
  const named = { kind: OF_CLUSTERS, name }
  await assert.rejects(deleteSnapshot(control, SCOPE, named), { name: 'InvalidDBClusterSnapshotStateFault' })
  await inTime(control, copySnapshot(control, SCOPE, { kind: OF_CLUSTERS, source: name, target: 'kept' }))
  await control.clock.advance(DAY_MS)
  const next = await another(control, taken!)
  assert.match(next.id, /^rds:orders-2026-01-02-05-\d\d$/)
  const kept = await listClusterSnapshots(control, SCOPE, { SnapshotType: 'manual' })
  assert.deepEqual([kept[0]!.id, kept[0]!.type, kept[0]!.status], ['kept', 'manual', 'available'])
  assert.deepEqual(control.log.complaints, [])
})

test('an automated snapshot that fails is taken again in its window, and what there was of it goes', async () => {
  const control = await withCluster(1)
  control.failing = 'instance.snapshot'
  await control.clock.advance(5 * HOUR_MS)
  const [first] = await become(control, 'failed')
  const next = await another(control, first!)
  assert.ok(next.createdAt - first!.createdAt >= MINUTE_MS, 'after a rest')
  control.failing = undefined
  await become(control, 'available')
})

test('automated snapshots go with the retention period and with the cluster, also one that is being taken', async () => {
  const control = await withCluster(7)
  await control.clock.advance(5 * HOUR_MS)
  await become(control, 'available')
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, BackupRetentionPeriod: 0 })
  await become(control, '')
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, BackupRetentionPeriod: 7 })
  await become(control, 'available')
  const { startJob } = control.hosts
  control.hosts.startJob = async (zone, id, kind, input) => {
    if (kind !== 'instance.snapshot') await startJob(zone, id, kind, input)
  }
  await control.clock.advance(DAY_MS)
  await become(control, 'available,creating')
  control.losing = 'create-db-cluster-snapshot.discard'
  await inTime(control, deleteDbCluster(control, SCOPE, { DBClusterIdentifier, SkipFinalSnapshot: true }))
  await become(control, '')
  await settled(control)
  assert.equal(control.losing, undefined)
  assert.deepEqual(await control.flows.list(), [])
  for (const zone of ['a', 'b', 'c'])
    assert.deepEqual(await control.hosts.ask(zone, 'host.contents', {}), { instances: [], snapshots: [] })
})

test('without a retention period, and without the cluster, nothing is kept', async () => {
  const control = await withCluster(7)
  assert.equal((await basesOf(control)).length, 1)
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, BackupRetentionPeriod: 0 })
  await settled(control)
  assert.deepEqual(await basesOf(control), [])
  assert.equal((await describeCluster(control, await clusterOf(control))).LatestRestorableTime, undefined)
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, BackupRetentionPeriod: 7 })
  await settled(control)
  assert.equal((await basesOf(control)).length, 1)
  await inTime(control, deleteDbCluster(control, SCOPE, { DBClusterIdentifier, SkipFinalSnapshot: true }))
  await settled(control)
  assert.deepEqual(await basesOf(control), [])
  assert.deepEqual(await control.flows.list(), [])
})

test('a restore is a cluster of its own, with backups of its own', async () => {
  const control = await withCluster(7)
  const restored = await inTime(
    control,
    restoreAnyClusterToPointInTime(control, SCOPE, {
      DBClusterIdentifier: 'again',
      SourceDBClusterIdentifier: 'orders',
      UseLatestRestorableTime: true,
    }),
  )
  await settled(control)
  isWholeAgain(await clusterOf(control, 'again'))
  const shown = await describeCluster(control, await clusterOf(control, 'again'))
  assert.deepEqual([shown.Status, shown.BackupRetentionPeriod, shown.MasterUsername], ['available', 7, 'app'])
  assert.deepEqual(
    (await basesOf(control)).map(({ instance }) => instance.resourceId).sort(),
    [(await clusterOf(control)).resourceId, restored.resourceId].sort(),
  )
})
