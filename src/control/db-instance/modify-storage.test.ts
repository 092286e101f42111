import assert from 'node:assert/strict'
import test from 'node:test'
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { HOUR_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { findEvents } from '../event/event.ts'
import { modifyDbInstance } from './modify.ts'
import { dbInstances, type DbInstanceSettings } from './record.ts'

const settings = async (control: SimulatedControl): Promise<DbInstanceSettings> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value.settings

const modify = (
  control: SimulatedControl,
  asked: Omit<ModifyDBInstanceMessage, 'DBInstanceIdentifier'>,
): Promise<unknown> =>
  modifyDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', ApplyImmediately: true, ...asked })

const OPTIMIZED = {
  name: 'InvalidParameterCombination',
  message:
    "You can't currently modify the storage of this DB instance because the previous storage change is being optimized.",
}

test('storage grows by a tenth at least, and events tell the beginning and the end', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 100 })
  await modify(control, { AllocatedStorage: 101 })
  assert.equal((await settings(control)).AllocatedStorage, 110)
  const events = (await findEvents(control, SCOPE, { from: 0, to: Infinity })).map(({ id }) => id.slice(-4))
  assert.ok(events.indexOf('0018') < events.indexOf('0017') && events.includes('0018'), events.join(' '))
})

test('storage never shrinks', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 100 })
  await assert.rejects(modify(control, { AllocatedStorage: 99 }), { name: 'InvalidParameterCombination' })
})

test('six hours lie between two changes of storage, of whichever kind', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 400, StorageType: 'gp3' })
  await modify(control, { AllocatedStorage: 500 })
  for (const more of [{ AllocatedStorage: 600 }, { Iops: 13_000 }, { StorageThroughput: 600 }, { StorageType: 'gp2' }])
    await assert.rejects(modify(control, more), OPTIMIZED)
  await control.clock.advance(6 * HOUR_MS - 10_000)
  await assert.rejects(modify(control, { AllocatedStorage: 600 }), OPTIMIZED)
  await control.clock.advance(20_000)
  await modify(control, { AllocatedStorage: 600 })
  assert.equal((await settings(control)).AllocatedStorage, 600)
})

test('what changes nothing about storage does not have to wait', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 100 })
  await modify(control, { AllocatedStorage: 200 })
  await modify(control, { AllocatedStorage: 200, DBInstanceClass: 'db.t4g.small' })
  await modify(control, { MaxAllocatedStorage: 1000 })
  assert.deepEqual(
    [(await settings(control)).DBInstanceClass, (await settings(control)).MaxAllocatedStorage],
    ['db.t4g.small', 1000],
  )
})

test('the limit of autoscaling leaves room for a tenth', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 100 })
  await assert.rejects(modify(control, { MaxAllocatedStorage: 109 }), { name: 'InvalidParameterCombination' })
  await modify(control, { MaxAllocatedStorage: 110 })
  await modify(control, { MaxAllocatedStorage: 0 })
})
