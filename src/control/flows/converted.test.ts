/** A converted instance's engine leaves its port to a gateway when it starts next: on simulated engines, step by step. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { together } from '#store/collection.ts'
import { commit } from '../control.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { rebootDbInstance, startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord, type Standby } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'

const ORDERS = { DBInstanceIdentifier: 'orders' }

const recordOf = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value

async function converted(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  await modifyDbInstance(control, SCOPE, { ...ORDERS, MultiAZ: true, ApplyImmediately: true })
  const record = await recordOf(control)
  assert.equal(record.copyPorts?.isDirect, true)
  assert.equal(control.endpoints.observed(record.resourceId), undefined)
  return control
}

async function assertGuarded(control: SimulatedControl): Promise<void> {
  for (let round = 0; round < 20; round++) await control.clock.advance(0)
  const record = await recordOf(control)
  assert.equal(record.copyPorts?.isDirect, false)
  assert.equal(record.zone, 'a', 'it is where it was')
  assert.equal(statusOf(control, record), 'available')
  assert.equal(control.endpoints.observed(record.resourceId)?.state, 'open')
  assert.deepEqual(record.standby, { zone: 'b', state: 'in-sync' })
}

async function assertDirect(control: SimulatedControl): Promise<void> {
  const record = await recordOf(control)
  assert.equal(record.copyPorts?.isDirect, true)
  assert.equal(control.endpoints.observed(record.resourceId), undefined, 'nobody else has the port')
}

test('a reboot hands the port over', async () => {
  const control = await converted()
  await rebootDbInstance(control, SCOPE, ORDERS)
  await assertGuarded(control)
})

test('so does a start after a stop', async () => {
  const control = await converted()
  await stopDbInstance(control, SCOPE, ORDERS)
  await startDbInstance(control, SCOPE, ORDERS)
  await assertGuarded(control)
})

test('so does a change of class', async () => {
  const control = await converted()
  await modifyDbInstance(control, SCOPE, { ...ORDERS, DBInstanceClass: 'db.t4g.small', ApplyImmediately: true })
  await assertGuarded(control)
  assert.equal((await recordOf(control)).settings.DBInstanceClass, 'db.t4g.small')
})

test('an engine that does not start on its own port stays where it was, and leaves it another time', async () => {
  const control = await converted()
  control.failingOnce = 'instance.restart'
  const { startJob } = control.hosts
  // The first restart is the standby's.
  control.hosts.startJob = async (zone, ...job) => {
    if (zone === 'b') control.failingOnce = undefined
    await startJob(zone, ...job)
    if (zone === 'b' && job[1] === 'instance.restart') control.failingOnce = 'instance.restart'
  }
  await rebootDbInstance(control, SCOPE, ORDERS)
  assert.equal(control.failingOnce, undefined)
  control.hosts.startJob = startJob
  assert.equal((await recordOf(control)).phase, 'available')
  await assertDirect(control)
  await rebootDbInstance(control, SCOPE, ORDERS)
  await assertGuarded(control)
})

test('one that refuses its settings leaves the port to nobody', async () => {
  const control = await converted()
  const { startJob } = control.hosts
  control.hosts.startJob = async (zone, ...job) => {
    if (zone === 'a' && job[1] === 'instance.restart') control.failOnce = 'bad-settings'
    await startJob(zone, ...job)
  }
  await rebootDbInstance(control, SCOPE, ORDERS)
  control.hosts.startJob = startJob
  assert.equal((await recordOf(control)).phase, 'incompatible-parameters')
  await assertDirect(control)
  await rebootDbInstance(control, SCOPE, ORDERS)
  await assertGuarded(control)
})

test('a change that fails on every port is taken back, and the port is handed over then', async () => {
  const control = await converted()
  const { startJob } = control.hosts
  let tries = 0
  control.hosts.startJob = async (zone, ...job) => {
    if (zone === 'a' && job[1] === 'instance.restart' && ++tries <= 2) control.failOnce = 'failed'
    await startJob(zone, ...job)
  }
  await modifyDbInstance(control, SCOPE, { ...ORDERS, DBInstanceClass: 'db.t4g.small', ApplyImmediately: true })
  assert.equal(tries, 3)
  assert.equal((await recordOf(control)).settings.DBInstanceClass, 'db.t4g.micro')
  await assertGuarded(control)
})

async function recover(control: SimulatedControl, standby: Standby): Promise<void> {
  const held = (await dbInstances(control, SCOPE).get('orders'))!
  const key = keyOf(held.value)
  const flow = control.flows.start('recover-db-instance', subjectOf(key), { key, isForced: false, because: 'A test.' })
  const rebooting = { ...held.value, standby, generation: 99, phase: 'rebooting' as const }
  await commit(control, together(dbInstances(control, SCOPE).update(held, rebooting), flow.writes))
  await started(control, flow.id)
}

test('a primary that comes back without a standby hands the port over; with one that may be out of reach it does not', async () => {
  const control = await converted()
  await recover(control, { zone: 'b', state: 'following' })
  await assertDirect(control)
  await recover(control, { zone: 'b', state: 'missing' })
  assert.equal((await recordOf(control)).copyPorts?.isDirect, false)
})

test('one copy again, it keeps its gateway, and a second one made later is guarded at once', async () => {
  const control = await converted()
  await rebootDbInstance(control, SCOPE, ORDERS)
  const modify = (MultiAZ: boolean): Promise<unknown> =>
    modifyDbInstance(control, SCOPE, { ...ORDERS, MultiAZ, ApplyImmediately: true })
  await modify(false)
  const record = await recordOf(control)
  assert.equal(statusOf(control, record), 'available')
  assert.equal(control.endpoints.observed(record.resourceId)?.state, 'open')
  await modify(true)
  await assertGuarded(control)
})
