import assert from 'node:assert/strict'
import test from 'node:test'
import { GIB } from '#base/bytes.ts'
import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit } from '../control.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { dbInstances, keyOf, timerSubjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { findEvents } from '../event/event.ts'
import { instanceMetric } from '../metrics/collect.ts'
import { historyOf, type StorageHistory } from '../storage/history.ts'
import { startScaling } from '../storage/start-scaling.ts'

const recordOf = async (control: SimulatedControl): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get('orders'))!.value

const sizeOf = async (control: SimulatedControl): Promise<number> => (await recordOf(control)).settings.AllocatedStorage

async function eventsOf(control: SimulatedControl): Promise<string[]> {
  return (await findEvents(control, SCOPE, { from: 0, to: Infinity })).map(({ id }) => id.slice(-4))
}

/** An instance of 100 GiB whose storage has just become low, as its agent would have it reported. */
async function lowInstance(max = 1000, history: Partial<StorageHistory> = {}): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newInstance(control, 'orders', { AllocatedStorage: 100, ...(max > 0 && { MaxAllocatedStorage: max }) })
  const record = await recordOf(control)
  const held = await historyOf(control, keyOf(record))
  await commit(control, held.change({ level: 'low', lowSince: control.clock.now(), ...history }))
  await commit(control, await startScaling(control, record))
  await control.clock.advance(1)
  return control
}

test('storage that is low for five minutes grows by itself, and events tell of it', async () => {
  const control = await lowInstance()
  await control.clock.advance(5 * MINUTE_MS - 1000)
  assert.equal(await sizeOf(control), 100)
  await control.clock.advance(2000)
  assert.equal(await sizeOf(control), 110)
  const events = await eventsOf(control)
  assert.ok(events.includes('0217') && events.includes('0218'), events.join(' '))
  assert.ok(!events.includes('0017') && !events.includes('0018'), events.join(' '))
})

test('over a restart of serve the timer goes on', async () => {
  const control = await lowInstance()
  await control.clock.advance(3 * MINUTE_MS)
  await control.restart()
  await control.clock.advance(3 * MINUTE_MS)
  assert.equal(await sizeOf(control), 110)
})

test('storage that stays low grows again after six hours, and that is told once', async () => {
  const control = await lowInstance()
  await control.clock.advance(6 * MINUTE_MS)
  await control.clock.advance(6 * HOUR_MS - 10 * MINUTE_MS)
  assert.equal(await sizeOf(control), 110)
  await control.clock.advance(20 * MINUTE_MS)
  assert.equal(await sizeOf(control), 121)
  assert.equal((await eventsOf(control)).filter((id) => id === '0220').length, 2)
})

test('it grows to the threshold, and then no more', async () => {
  const control = await lowInstance(115)
  await control.clock.advance(7 * HOUR_MS)
  assert.equal(await sizeOf(control), 115)
  const events = await eventsOf(control)
  assert.ok(events.includes('0225') && events.includes('0224'), events.join(' '))
  await control.clock.advance(7 * HOUR_MS)
  assert.equal(await sizeOf(control), 115)
  assert.equal(await control.flows.of(timerSubjectOf(keyOf(await recordOf(control)), 'storage')), undefined)
})

test('growth of the last hour makes the step larger', async () => {
  const control = await lowInstance()
  const record = await recordOf(control)
  const first = Math.ceil(control.clock.now() / MINUTE_MS) * MINUTE_MS
  // Half a GiB less every minute: thirty in an hour, two hundred and ten in seven.
  const points = [0, 1, 2, 3, 4].map((n) => {
    const free = (10 - n / 2) * GIB
    return { minute: first + n * MINUTE_MS, count: 1, sum: free, min: free, max: free }
  })
  control.metrics.record(points.map((point) => ({ metric: instanceMetric(record, 'FreeStorageSpace'), point })))
  await control.clock.advance(6 * MINUTE_MS)
  assert.equal(await sizeOf(control), 310)
})

test('there is no timer where autoscaling is off, and one as soon as it is on', async () => {
  const control = await lowInstance(0)
  assert.equal(await control.flows.of(timerSubjectOf(keyOf(await recordOf(control)), 'storage')), undefined)
  await modifyDbInstance(control, SCOPE, { DBInstanceIdentifier: 'orders', MaxAllocatedStorage: 500 })
  await control.clock.advance(6 * MINUTE_MS)
  assert.equal(await sizeOf(control), 110)
})

test('a change of storage by the user begins the six hours anew', async () => {
  const control = await lowInstance()
  await control.clock.advance(4 * MINUTE_MS)
  await modifyDbInstance(control, SCOPE, {
    DBInstanceIdentifier: 'orders',
    AllocatedStorage: 120,
    ApplyImmediately: true,
  })
  await control.clock.advance(5 * HOUR_MS)
  assert.equal(await sizeOf(control), 120)
})
