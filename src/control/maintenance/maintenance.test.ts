import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PendingMaintenanceAction } from '@aws-sdk/client-rds'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { findEvents } from '../event/event.ts'
import { applyPendingMaintenance } from './apply.ts'
import { listPendingMaintenance } from './describe.ts'
import { watchMaintenance } from './watch.ts'

const ResourceIdentifier = 'arn:aws:rds:us-east-1:000000000000:db:orders'
const orders = { DBInstanceIdentifier: 'orders' }
const UPGRADE = { ResourceIdentifier, ApplyAction: 'db-upgrade' }
const ROTATION = { ResourceIdentifier, ApplyAction: 'ca-certificate-rotation' }

/** The clock starts at midnight of 2026-01-01, a Thursday. */
const START = Date.UTC(2026, 0, 1)
const UNTIL_WINDOW_MS = 2 * DAY_MS + 3 * HOUR_MS
const OPENING = START + UNTIL_WINDOW_MS
const WEEK_MS = 7 * DAY_MS

interface Stage {
  readonly control: SimulatedControl
  /** Ends what looks for due maintenance, and says that nothing was complained of. */
  close(): Promise<void>
}

async function stage(more: object = {}): Promise<Stage> {
  const control = await simulatedControl()
  const PreferredMaintenanceWindow = 'sat:03:00-sat:04:00'
  await newInstance(control, 'orders', {
    BackupRetentionPeriod: 0,
    PreferredMaintenanceWindow,
    EngineVersion: '18.3',
    ...more,
  })
  const watch = watchMaintenance(control, control.log)
  return {
    control,
    async close() {
      await watch.stop()
      assert.deepEqual(control.log.complaints, [])
    },
  }
}

const now = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value
async function change(control: SimulatedControl, changes: Partial<DbInstanceRecord>): Promise<void> {
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  await commit(control, dbInstances(control, SCOPE).update(held, { ...held.value, ...changes }))
}
/** As if the upgrade had been announced long ago. */
const noticedLongAgo = (control: SimulatedControl): Promise<void> =>
  change(control, { maintenance: { 'db-upgrade': { noticedAt: START - 30 * DAY_MS, version: '18.4' } } })
/** As if the certificate were so old that it is valid for no longer than this. */
const leaveCertificate = async (control: SimulatedControl, leftMs: number): Promise<void> =>
  change(control, { certificate: { ...(await now(control)).certificate!, validTill: control.clock.now() + leftMs } })

const version = async (control: SimulatedControl): Promise<string> => (await now(control)).settings.EngineVersion

async function pending(control: SimulatedControl): Promise<PendingMaintenanceAction[]> {
  const [found] = await listPendingMaintenance(control, SCOPE, { ResourceIdentifier })
  return found?.PendingMaintenanceActionDetails ?? []
}

async function events(control: SimulatedControl): Promise<string[]> {
  const found = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER, sourceId: 'orders' })
  return found
    .map(({ id }) => id.slice(-4))
    .filter((id) => id !== '0005')
    .sort()
}

test('an instance of the newest minor has no maintenance before it', async () => {
  const { control, close } = await stage({ EngineVersion: '18.4' })
  assert.deepEqual(await listPendingMaintenance(control, SCOPE, {}), [])
  await control.clock.advance(HOUR_MS)
  assert.deepEqual(await events(control), [])
  await close()
})

test('a newer minor is announced a week before it is applied in a window by itself', async () => {
  const { control, close } = await stage()
  assert.deepEqual(await pending(control), [
    {
      Action: 'db-upgrade',
      Description: 'Upgrade of PostgreSQL 18.3 to minor version 18.4',
      AutoAppliedAfterDate: new Date(START + WEEK_MS),
      CurrentApplyDate: new Date(OPENING + WEEK_MS),
    },
  ])
  await control.clock.advance(UNTIL_WINDOW_MS + HOUR_MS)
  assert.equal(await version(control), '18.3', 'the week is not over')
  await noticedLongAgo(control)
  await modifyDbInstance(control, SCOPE, { ...orders, PreferredMaintenanceWindow: 'sat:05:00-sat:06:00' })
  await control.clock.advance(HOUR_MS - 1)
  assert.equal(await version(control), '18.3', 'nor is a window open')
  await control.clock.advance(MINUTE_MS)
  assert.equal(await version(control), '18.4')
  assert.equal((await now(control)).phase, 'available')
  assert.deepEqual(await pending(control), [])
  assert.equal((await now(control)).maintenance?.['db-upgrade'], undefined)
  assert.deepEqual(await events(control), ['0026', '0027', '0047', '0264', '0265', '0266', '0267', '0268'])
  await close()
})

test('without AutoMinorVersionUpgrade an upgrade waits for somebody to ask for it', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await noticedLongAgo(control)
  await control.clock.advance(UNTIL_WINDOW_MS + HOUR_MS)
  assert.deepEqual(await pending(control), [
    { Action: 'db-upgrade', Description: 'Upgrade of PostgreSQL 18.3 to minor version 18.4' },
  ])
  await close()
})

test('an upgrade is applied at once on request', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  const answered = await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'immediate' })
  assert.equal(answered.status, 'upgrading')
  assert.equal(await version(control), '18.4')
  assert.deepEqual(await pending(control), [])
  await close()
})

test('an upgrade is applied in the next window on request, also over a restart, and not before', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'next-maintenance' })
  const [action] = await pending(control)
  assert.deepEqual([action!.OptInStatus, action!.CurrentApplyDate], ['next-maintenance', new Date(OPENING)])
  await control.clock.advance(DAY_MS)
  await control.restart()
  await control.clock.advance(UNTIL_WINDOW_MS - DAY_MS - 1)
  assert.equal(await version(control), '18.3')
  await control.clock.advance(MINUTE_MS)
  assert.equal(await version(control), '18.4')
  await close()
})

test('a request for the next window is undone', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'next-maintenance' })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'undo-opt-in' })
  assert.equal((await pending(control))[0]!.OptInStatus, undefined)
  await control.clock.advance(UNTIL_WINDOW_MS + HOUR_MS)
  assert.equal(await version(control), '18.3')
  await close()
})

test('an upgrade that cannot be made is tried once a window, and says so', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'next-maintenance' })
  control.failing = 'engine.prepare'
  await control.clock.advance(UNTIL_WINDOW_MS + HOUR_MS)
  assert.deepEqual(await events(control), ['0264', '0270'])
  assert.equal((await now(control)).phase, 'available')
  assert.deepEqual((await now(control)).pending, {})
  assert.deepEqual((await pending(control))[0]!.CurrentApplyDate, new Date(OPENING + WEEK_MS))
  control.failing = undefined
  await modifyDbInstance(control, SCOPE, { ...orders, PreferredMaintenanceWindow: 'sat:05:00-sat:06:00' })
  await control.clock.advance(HOUR_MS + MINUTE_MS)
  assert.equal(await version(control), '18.4')
  await close()
})

test('an upgrade that fails when it was asked for at once is not tried again by itself', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  control.failing = 'engine.prepare'
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'immediate' })
  assert.deepEqual(await pending(control), [
    { Action: 'db-upgrade', Description: 'Upgrade of PostgreSQL 18.3 to minor version 18.4' },
  ])
  control.failing = undefined
  await control.clock.advance(UNTIL_WINDOW_MS + HOUR_MS)
  assert.equal(await version(control), '18.3')
  await close()
})

test('an engine that does not start with the new version goes on with the old one', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  control.failingOnce = 'instance.restart'
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'immediate' })
  assert.equal(await version(control), '18.3')
  assert.equal((await now(control)).phase, 'available')
  assert.ok((await events(control)).includes('0270'))
  await close()
})

test('a stopped instance shows its maintenance and is upgraded once it runs in a window', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await stopDbInstance(control, SCOPE, orders)
  await assert.rejects(applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'immediate' }), {
    name: 'InvalidDBInstanceStateFault',
  })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'next-maintenance' })
  await control.clock.advance(UNTIL_WINDOW_MS + 10 * MINUTE_MS)
  assert.equal(await version(control), '18.3')
  await startDbInstance(control, SCOPE, orders)
  await control.clock.advance(MINUTE_MS)
  assert.equal(await version(control), '18.4')
  await close()
})

test('a moved window is the one that counts, also when it is open now', async () => {
  const { control, close } = await stage({ AutoMinorVersionUpgrade: false })
  await applyPendingMaintenance(control, SCOPE, { ...UPGRADE, OptInType: 'next-maintenance' })
  await modifyDbInstance(control, SCOPE, { ...orders, PreferredMaintenanceWindow: 'thu:00:00-thu:01:00' })
  await control.clock.advance(MINUTE_MS)
  assert.equal(await version(control), '18.4')
  await close()
})

test('a version that was queued by name is not overtaken by the newest', async () => {
  const { control, close } = await stage({ EngineVersion: '17.9' })
  await modifyDbInstance(control, SCOPE, { ...orders, EngineVersion: '17.10' })
  assert.equal((await pending(control))[0]!.AutoAppliedAfterDate, undefined)
  await control.clock.advance(UNTIL_WINDOW_MS + MINUTE_MS)
  assert.equal(await version(control), '17.10')
  await close()
})

test('a minor that comes later is told of by an event, once', async () => {
  const known = ['18.3', '18.4'].map((text): EngineVersion => ({
    engine: 'postgres',
    version: text,
    major: '18',
    source: 'npm',
  }))
  const control = await simulatedControl({ versions: known.slice(0, 1) })
  await newInstance(control, 'orders', { EngineVersion: '18.3', BackupRetentionPeriod: 0 })
  assert.deepEqual(await listPendingMaintenance(control, SCOPE, {}), [])
  const watch = watchMaintenance({ ...control, flows: control.flows, versions: known }, control.log)
  await control.clock.advance(HOUR_MS)
  assert.deepEqual(await events(control), ['0155'])
  await watch.stop()
})

test('a certificate is rotated in a window from its half-life on, without a restart', async () => {
  const { control, close } = await stage({ EngineVersion: '18.4' })
  await leaveCertificate(control, 183 * DAY_MS + 1)
  assert.deepEqual(await pending(control), [])
  await control.clock.advance(MINUTE_MS)
  const before = (await now(control)).certificate!.validTill
  const [action] = await pending(control)
  assert.equal(action!.Action, 'ca-certificate-rotation')
  assert.deepEqual(action!.CurrentApplyDate, new Date(OPENING + WEEK_MS))
  assert.deepEqual(action!.ForcedApplyDate, new Date(before - 14 * DAY_MS))
  await change(control, { maintenance: { 'ca-certificate-rotation': { noticedAt: START - WEEK_MS } } })
  await control.clock.advance(UNTIL_WINDOW_MS)
  assert.ok((await now(control)).certificate!.validTill > before)
  assert.deepEqual(await pending(control), [])
  assert.deepEqual(await events(control), [])
  await close()
})

test('a certificate that is nearly over is rotated as soon as the instance runs, window or not', async () => {
  const { control, close } = await stage({ EngineVersion: '18.4' })
  await stopDbInstance(control, SCOPE, orders)
  await leaveCertificate(control, 10 * DAY_MS)
  const before = (await now(control)).certificate!.validTill
  await control.clock.advance(HOUR_MS)
  assert.equal((await now(control)).certificate!.validTill, before)
  await startDbInstance(control, SCOPE, orders)
  await control.clock.advance(MINUTE_MS)
  assert.ok((await now(control)).certificate!.validTill > before)
  assert.equal((await now(control)).phase, 'available')
  await close()
})

test('another certificate authority that was queued is applied at once on request', async () => {
  const { control, close } = await stage({ EngineVersion: '18.4' })
  await assert.rejects(applyPendingMaintenance(control, SCOPE, { ...ROTATION, OptInType: 'immediate' }), {
    name: 'ResourceNotFoundFault',
  })
  await modifyDbInstance(control, SCOPE, { ...orders, CACertificateIdentifier: 'rds-ca-rsa2048-g1' })
  assert.deepEqual((await pending(control))[0]!.CurrentApplyDate, new Date(OPENING))
  const answered = await applyPendingMaintenance(control, SCOPE, { ...ROTATION, OptInType: 'immediate' })
  assert.equal(answered.status, 'maintenance')
  assert.equal((await now(control)).settings.CACertificateIdentifier, 'rds-ca-rsa2048-g1')
  assert.deepEqual(await pending(control), [])
  await close()
})
