import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'

const orders = { DBInstanceIdentifier: 'orders' }

/** The clock starts at midnight of 2026-01-01, a Thursday. */
async function withInstance(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  const PreferredMaintenanceWindow = 'sat:03:00-sat:04:00'
  await newInstance(control, 'orders', { BackupRetentionPeriod: 0, PreferredMaintenanceWindow })
  return control
}
const UNTIL_WINDOW_MS = 2 * DAY_MS + 3 * HOUR_MS

const record = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value

const classOf = async (control: SimulatedControl): Promise<string> => (await record(control)).settings.DBInstanceClass

test('queued changes are made when the maintenance window opens, also over a restart', async () => {
  const control = await withInstance()
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.small' })
  await control.clock.advance(DAY_MS)
  await control.restart()
  await control.clock.advance(UNTIL_WINDOW_MS - DAY_MS - 1)
  assert.equal(await classOf(control), 'db.t4g.micro')
  await control.clock.advance(1)
  assert.equal(await classOf(control), 'db.t4g.small')
  const { phase, pending } = await record(control)
  assert.deepEqual([phase, pending], ['available', {}])
  assert.deepEqual(await control.flows.list(), [])
  assert.deepEqual(control.log.complaints, [])
})

test('a change that is queued in the same request as one that is not waits for its window too', async () => {
  const control = await withInstance()
  const MasterUserPassword = 'another-horse-battery'
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.small', MasterUserPassword })
  assert.deepEqual((await record(control)).pending, { DBInstanceClass: 'db.t4g.small' })
  await control.clock.advance(UNTIL_WINDOW_MS)
  assert.equal(await classOf(control), 'db.t4g.small')
})

test('changes that were taken back are not made', async () => {
  const control = await withInstance()
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.small' })
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.micro' })
  await control.clock.advance(UNTIL_WINDOW_MS)
  assert.equal(await classOf(control), 'db.t4g.micro')
  assert.deepEqual(await control.flows.list(), [])
})

test('a moved maintenance window is the one that counts', async () => {
  const control = await withInstance()
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.small' })
  await modifyDbInstance(control, SCOPE, { ...orders, PreferredMaintenanceWindow: 'fri:12:00-fri:12:30' })
  await control.clock.advance(DAY_MS + 12 * HOUR_MS)
  assert.equal(await classOf(control), 'db.t4g.small')
})

test('an instance that is stopped when its window opens is changed once it runs in it', async () => {
  const control = await withInstance()
  await modifyDbInstance(control, SCOPE, { ...orders, DBInstanceClass: 'db.t4g.small' })
  await stopDbInstance(control, SCOPE, orders)
  await control.clock.advance(UNTIL_WINDOW_MS + 10 * MINUTE_MS)
  assert.equal(await classOf(control), 'db.t4g.micro')
  await startDbInstance(control, SCOPE, orders)
  await control.clock.advance(1)
  assert.equal(await classOf(control), 'db.t4g.small')
})
