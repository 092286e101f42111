import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, keyOf, timerSubjectOf } from '../db-instance/record.ts'
import { copySnapshot, deleteSnapshot, modifyDbSnapshotAttribute } from '../db-snapshot/change.ts'
import { listSnapshots } from '../db-snapshot/describe.ts'
import { OF_INSTANCES } from '../db-snapshot/kind.ts'
import { restoreDbInstance } from '../db-snapshot/restore.ts'
import { findEvents } from '../event/event.ts'

/** The clock starts at midnight of 2026-01-01. */
const WINDOW = { PreferredBackupWindow: '05:00-05:30', PreferredMaintenanceWindow: 'sun:12:00-sun:12:30' }
const orders = { DBInstanceIdentifier: 'orders' }

async function withInstance(retention: number, more: object = {}): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { BackupRetentionPeriod: retention, ...WINDOW, ...more })
  return control
}

async function backups(control: SimulatedControl): Promise<string[]> {
  const records = await listSnapshots(control, SCOPE, { SnapshotType: 'automated' })
  return records.map(({ id, status }) => (status === 'available' ? id : `${id} ${status}`))
}

const phase = async (control: SimulatedControl): Promise<string | undefined> =>
  (await dbInstances(control, SCOPE).get('orders'))?.value.phase

async function hasTimer(control: SimulatedControl): Promise<boolean> {
  const subjects = (await control.flows.list()).map(({ subject }) => subject)
  return subjects.some((subject) => subject.endsWith('/backup'))
}

async function eventsOf(control: SimulatedControl, sourceId: string): Promise<string[]> {
  const found = await findEvents(control, SCOPE, { from: 0, to: control.clock.now(), sourceId })
  return found.map(({ id }) => id)
}

test('a backup is taken each time the window opens, and at no other time', async () => {
  const control = await withInstance(7)
  await control.clock.advance(5 * HOUR_MS - 1)
  assert.deepEqual(await backups(control), [])
  await control.clock.advance(1)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-00'])
  assert.equal(await phase(control), 'available')
  await control.clock.advance(DAY_MS - 1)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-00'])
  await control.clock.advance(1)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-00', 'rds:orders-2026-01-02-05-00'])
  assert.deepEqual(control.log.complaints, [])
})

test('a backup leaves its own events, and passes on tags where the instance says so', async () => {
  const control = await withInstance(1, { CopyTagsToSnapshot: true, Tags: [{ Key: 'team', Value: 'shop' }] })
  await control.clock.advance(5 * HOUR_MS)
  assert.deepEqual(await eventsOf(control, 'orders'), ['RDS-EVENT-0005', 'RDS-EVENT-0001', 'RDS-EVENT-0002'])
  assert.deepEqual(await eventsOf(control, 'rds:orders-2026-01-01-05-00'), ['RDS-EVENT-0090', 'RDS-EVENT-0091'])
  const [record] = await listSnapshots(control, SCOPE, { SnapshotType: 'automated' })
  assert.deepEqual(record!.tags, [{ Key: 'team', Value: 'shop' }])
})

test('the timer goes on after a restart, and takes no second backup in the same window', async () => {
  const control = await withInstance(7)
  await control.clock.advance(5 * HOUR_MS)
  await control.restart()
  await control.clock.advance(29 * MINUTE_MS)
  assert.equal((await backups(control)).length, 1)
  await control.clock.advance(DAY_MS)
  assert.equal((await backups(control)).length, 2)
})

test('backups are deleted when their retention period is over', async () => {
  const control = await withInstance(2)
  await control.clock.advance(3 * DAY_MS + 5 * HOUR_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-03-05-00', 'rds:orders-2026-01-04-05-00'])
  assert.deepEqual(await eventsOf(control, 'rds:orders-2026-01-01-05-00'), ['RDS-EVENT-0090', 'RDS-EVENT-0091'])
  assert.equal((await control.hosts.ask('a', 'host.contents', {})).snapshots.length, 2)
})

test('a shorter retention period deletes at once what it does not cover', async () => {
  const control = await withInstance(7)
  await control.clock.advance(3 * DAY_MS + 6 * HOUR_MS)
  assert.equal((await backups(control)).length, 4)
  await modifyDbInstance(control, SCOPE, { ...orders, BackupRetentionPeriod: 2 })
  await control.clock.advance(1)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-03-05-00', 'rds:orders-2026-01-04-05-00'])
})

test('backups that are switched off are deleted, all of them, and none are taken until they are on again', async () => {
  const control = await withInstance(7)
  await control.clock.advance(DAY_MS + 6 * HOUR_MS)
  assert.equal((await backups(control)).length, 2)
  await modifyDbInstance(control, SCOPE, { ...orders, BackupRetentionPeriod: 0, ApplyImmediately: true })
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), [])
  assert.equal(await hasTimer(control), false)
  await modifyDbInstance(control, SCOPE, { ...orders, BackupRetentionPeriod: 3, ApplyImmediately: true })
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-04-05-00'])
  const events = await eventsOf(control, 'orders')
  assert.deepEqual(
    events.filter((id) => id === 'RDS-EVENT-0028' || id === 'RDS-EVENT-0032'),
    ['RDS-EVENT-0028', 'RDS-EVENT-0032'],
  )
})

test('an instance without a retention period has no timer', async () => {
  const control = await withInstance(0)
  assert.equal(await hasTimer(control), false)
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), [])
})

test('a window that is moved is the one that counts', async () => {
  const control = await withInstance(7)
  await control.clock.advance(4 * HOUR_MS)
  await modifyDbInstance(control, SCOPE, { ...orders, PreferredBackupWindow: '07:00-07:30' })
  await control.clock.advance(20 * HOUR_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-07-00'])
})

test('a stopped instance is not backed up, keeps its newest backup, and is backed up again once it runs', async () => {
  const control = await withInstance(1)
  await control.clock.advance(2 * DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-02-05-00'])
  await stopDbInstance(control, SCOPE, orders)
  await control.clock.advance(3 * DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-02-05-00'])
  await control.clock.advance(5 * HOUR_MS + 10 * MINUTE_MS)
  await startDbInstance(control, SCOPE, orders)
  await control.clock.advance(1)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-06-05-10'])
})

test('a busy instance is backed up as soon as it is free in the window, and not after it', async () => {
  const control = await withInstance(7)
  const setPhase = async (to: 'rebooting' | 'available'): Promise<void> => {
    const held = (await dbInstances(control, SCOPE).get('orders'))!
    const { compares, ops } = dbInstances(control, SCOPE).update(held, { ...held.value, phase: to })
    await control.store.commit(compares, ops)
  }
  await setPhase('rebooting')
  await control.clock.advance(5 * HOUR_MS + 20 * MINUTE_MS)
  assert.deepEqual(await backups(control), [])
  await setPhase('available')
  await control.clock.advance(MINUTE_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-21'])
  await control.clock.advance(12 * HOUR_MS)
  await setPhase('rebooting')
  await control.clock.advance(12 * HOUR_MS + 15 * MINUTE_MS)
  await setPhase('available')
  await control.clock.advance(MINUTE_MS)
  assert.equal((await backups(control)).length, 1, 'the window is shut by now')
})

test('backups stay with an instance through its renames', async () => {
  const control = await withInstance(1)
  await control.clock.advance(6 * HOUR_MS)
  await modifyDbInstance(control, SCOPE, { ...orders, NewDBInstanceIdentifier: 'sales', ApplyImmediately: true })
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), ['rds:sales-2026-01-02-05-00'])
})

test('deletion takes the backups along, before the instance is gone', async () => {
  const control = await withInstance(7)
  await control.clock.advance(DAY_MS + 6 * HOUR_MS)
  await deleteDbInstance(control, SCOPE, { ...orders, FinalDBSnapshotIdentifier: 'final' })
  assert.deepEqual(await backups(control), [])
  assert.deepEqual((await control.hosts.ask('a', 'host.contents', {})).snapshots.length, 1)
  await control.clock.advance(1)
  assert.deepEqual(await control.flows.list(), [])
})

test('retained backups outlive their instance until their retention period is over', async () => {
  const control = await withInstance(2)
  await control.clock.advance(DAY_MS + 6 * HOUR_MS)
  await deleteDbInstance(control, SCOPE, { ...orders, SkipFinalSnapshot: true, DeleteAutomatedBackups: false })
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-00', 'rds:orders-2026-01-02-05-00'])
  await newInstance(control, 'orders', { BackupRetentionPeriod: 0 })
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-02-05-00'])
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), [])
  assert.equal(await hasTimer(control), false)
})

test('a backup is copied and restored like any snapshot, and neither deleted nor shared', async () => {
  const control = await withInstance(1)
  await control.clock.advance(6 * HOUR_MS)
  const DBSnapshotIdentifier = 'rds:orders-2026-01-01-05-00'
  await assert.rejects(deleteSnapshot(control, SCOPE, { kind: OF_INSTANCES, name: DBSnapshotIdentifier }), {
    name: 'InvalidDBSnapshotStateFault',
  })
  const sharing = { DBSnapshotIdentifier, AttributeName: 'restore', ValuesToAdd: ['111111111111'] }
  await assert.rejects(modifyDbSnapshotAttribute(control, SCOPE, sharing), { name: 'InvalidParameterCombination' })
  await copySnapshot(control, SCOPE, { kind: OF_INSTANCES, source: DBSnapshotIdentifier, target: 'kept' })
  await restoreDbInstance(control, SCOPE, { DBInstanceIdentifier: 'copy', DBSnapshotIdentifier })
  await deleteDbInstance(control, SCOPE, { ...orders, SkipFinalSnapshot: true })
  const left = await listSnapshots(control, SCOPE, {})
  assert.deepEqual(
    left.map(({ id, type, status }) => [id, type, status]),
    [['kept', 'manual', 'available']],
  )
  const copy = (await dbInstances(control, SCOPE).get('copy'))!.value
  assert.equal(copy.phase, 'available')
  assert.ok(await control.flows.of(timerSubjectOf(keyOf(copy), 'backup')), 'the restored instance has backups too')
})

test('a backup that fails is not tried again in the same window, and does not displace one that can be restored', async () => {
  const control = await withInstance(1)
  await control.clock.advance(6 * HOUR_MS)
  control.failing = 'instance.snapshot'
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-01-05-00', 'rds:orders-2026-01-02-05-00 failed'])
  assert.equal(await phase(control), 'available')
  control.failing = undefined
  await control.clock.advance(DAY_MS)
  assert.deepEqual(await backups(control), ['rds:orders-2026-01-03-05-00'])
})
