/** Automated backups of a DB cluster, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, isWholeAgain, newCluster, settled } from '../../../tests/support/simulated-cluster.ts'
import { baseBackups, type BaseBackupRecord } from '../automated-backup/record.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { listAutomatedBackups } from '../db-snapshot/automated-backups.ts'

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
