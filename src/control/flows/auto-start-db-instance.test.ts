import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { startDbInstance, stopDbInstance } from '../db-instance/power.ts'
import { dbInstances, keyOf, timerSubjectOf } from '../db-instance/record.ts'
import { findEvents } from '../event/event.ts'

const orders = { DBInstanceIdentifier: 'orders' }

async function stopped(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { BackupRetentionPeriod: 0 })
  await stopDbInstance(control, SCOPE, orders)
  return control
}

const phase = async (control: SimulatedControl): Promise<string> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value.phase

async function automaticStarts(control: SimulatedControl): Promise<number> {
  const events = await findEvents(control, SCOPE, { from: 0, to: control.clock.now() })
  return events.filter(({ id }) => id === 'RDS-EVENT-0154').length
}

test('a stopped instance starts by itself after seven days, also over a restart', async () => {
  const control = await stopped()
  await control.clock.advance(4 * DAY_MS)
  await control.restart()
  await control.clock.advance(3 * DAY_MS - 1)
  assert.equal(await phase(control), 'stopped')
  await control.clock.advance(1)
  assert.equal(await phase(control), 'available')
  assert.equal(await automaticStarts(control), 1)
  assert.deepEqual(await control.flows.list(), [])
  assert.deepEqual(control.log.complaints, [])
})

test('an instance that somebody started has a new seven days from its next stop', async () => {
  const control = await stopped()
  await control.clock.advance(5 * DAY_MS)
  await startDbInstance(control, SCOPE, orders)
  await control.clock.advance(1)
  const key = keyOf((await dbInstances(control, SCOPE).get('orders'))!.value)
  assert.equal(await control.flows.of(timerSubjectOf(key, 'auto-start')), undefined)
  await stopDbInstance(control, SCOPE, orders)
  await control.clock.advance(3 * DAY_MS)
  assert.equal(await phase(control), 'stopped')
  await control.clock.advance(4 * DAY_MS)
  assert.equal(await phase(control), 'available')
  assert.equal(await automaticStarts(control), 1)
})
