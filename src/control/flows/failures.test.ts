/** What becomes of an instance when its host cannot do what a flow asks for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { rebootDbInstance, startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { statusOf } from '../db-instance/status.ts'
import { findEvents } from '../event/event.ts'

const orders = { DBInstanceIdentifier: 'orders' }

async function stage(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  // Without backups, whose jobs would be the ones that fail.
  await newInstance(control, 'orders', { BackupRetentionPeriod: 0 })
  return control
}

const now = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value

const grow = (control: SimulatedControl): Promise<unknown> =>
  modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.m6g.large', ApplyImmediately: true })

test('a modification with which the engine does not start is taken back, and says so', async () => {
  const control = await stage()
  const before = await now(control)
  control.failOnce = 'failed'
  await grow(control)
  const after = await now(control)
  assert.equal(after.phase, 'available')
  assert.equal(after.settings.DBInstanceClass, before.settings.DBInstanceClass)
  assert.deepEqual(after.pending, {})
  assert.equal(after.complaint, 'The test says so.')
  const events = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER, sourceId: 'orders' })
  assert.ok(events.some(({ message }) => message.includes('taken back')))
})

test('an instance that starts neither with a modification nor without it has failed, and a reboot repairs it', async () => {
  const control = await stage()
  control.failing = 'instance.restart'
  await grow(control)
  assert.equal((await now(control)).phase, 'failed')
  control.failing = undefined
  await rebootDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'available')
  assert.deepEqual((await now(control)).pending, {})
})

test('an instance that does not come back from a reboot has failed, and another reboot repairs it', async () => {
  const control = await stage()
  control.failOnce = 'failed'
  await rebootDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'failed')
  await rebootDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'available')
})

test('an instance that refuses its parameters is in incompatible-parameters after a reboot and after a start', async () => {
  const control = await stage()
  control.failOnce = 'bad-settings'
  await rebootDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'incompatible-parameters')
  await rebootDbInstance(control, SCOPE, orders)
  await stopDbInstance(control, SCOPE, orders)
  control.failOnce = 'bad-settings'
  await startDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'incompatible-parameters')
})

test('an instance that cannot be stopped goes on serving, and can be stopped later', async () => {
  const control = await stage()
  control.failing = 'instance.stop'
  await stopDbInstance(control, SCOPE, orders)
  assert.equal(statusOf(control, await now(control)), 'available')
  control.failing = undefined
  await stopDbInstance(control, SCOPE, orders)
  assert.equal((await now(control)).phase, 'stopped')
})

test('an instance that cannot be started has failed, and can be started later', async () => {
  const control = await stage()
  await stopDbInstance(control, SCOPE, orders)
  control.failing = 'instance.start'
  await startDbInstance(control, SCOPE, orders)
  assert.equal(statusOf(control, await now(control)), 'failed')
  control.failing = undefined
  await startDbInstance(control, SCOPE, orders)
  assert.equal(statusOf(control, await now(control)), 'available')
})
