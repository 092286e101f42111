import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS } from '#base/durations.ts'
import { rdsArn } from '#control/arn.ts'
import { commit, prefixOf } from '#control/control.ts'
import { recordEvent } from '#control/event/event.ts'
import type { NewEvent } from '#control/event/event.ts'
import { requestContext, SCOPE, testControl } from '../../../tests/support/control.ts'
import type { TestControl } from '../../../tests/support/control.ts'
import { DescribeEventCategories } from './describe-event-categories.ts'
import { DescribeEvents } from './describe-events.ts'

const created = (sourceId: string): NewEvent => ({
  id: 'RDS-EVENT-0005',
  sourceType: 'db-instance',
  sourceId,
  sourceArn: rdsArn(SCOPE, 'db', sourceId),
})

async function record(control: TestControl, event: NewEvent): Promise<void> {
  assert.ok((await commit(control, recordEvent(control, SCOPE, event))).committed)
}

async function messages(control: TestControl, input: object = {}): Promise<(string | undefined)[]> {
  const { Events } = await DescribeEvents(input, requestContext(control))
  return Events!.map((event) => `${event.SourceIdentifier}: ${event.Message}`)
}

test('an event is described with its usual message, categories and source', async () => {
  const control = testControl()
  await record(control, created('orders'))
  const { Events } = await DescribeEvents({}, requestContext(control))
  assert.deepEqual(Events, [
    {
      SourceIdentifier: 'orders',
      SourceType: 'db-instance',
      Message: 'DB instance created',
      EventCategories: ['creation'],
      Date: new Date(control.clock.now()),
      SourceArn: 'arn:aws:rds:us-east-1:000000000000:db:orders',
    },
  ])
})

test('events come oldest first, those of one millisecond in the order of their commits', async () => {
  const control = testControl()
  for (const name of ['c', 'a', 'b']) await record(control, created(name))
  await control.clock.advance(1)
  await record(control, { ...created('z'), message: 'later' })
  assert.deepEqual(await messages(control), [
    'c: DB instance created',
    'a: DB instance created',
    'b: DB instance created',
    'z: later',
  ])
})

test('events are found by source, category and time', async () => {
  const control = testControl()
  const start = control.clock.now()
  await record(control, created('orders'))
  await control.clock.advance(2 * HOUR_MS)
  await record(control, { ...created('orders'), id: 'RDS-EVENT-0003' })
  await record(control, created('users'))
  assert.deepEqual(await messages(control), ['orders: DB instance deleted', 'users: DB instance created'])
  assert.deepEqual(await messages(control, { Duration: 180, SourceType: 'db-instance', SourceIdentifier: 'Orders' }), [
    'orders: DB instance created',
    'orders: DB instance deleted',
  ])
  assert.deepEqual(await messages(control, { Duration: 180, EventCategories: ['deletion'] }), [
    'orders: DB instance deleted',
  ])
  assert.deepEqual(await messages(control, { SourceType: 'db-snapshot' }), [])
  assert.deepEqual(await messages(control, { StartTime: new Date(start), Duration: 30 }), [
    'orders: DB instance created',
  ])
  assert.deepEqual(await messages(control, { EndTime: new Date(start) }), ['orders: DB instance created'])
})

test('events are gone after fourteen days, and their records soon after', async () => {
  const control = testControl()
  await record(control, created('old'))
  for (let day = 0; day < 60; day++) {
    await control.clock.advance(DAY_MS)
    await record(control, created(`day-${day}`))
  }
  const all = await messages(control, { StartTime: new Date(control.clock.now() - 14 * DAY_MS) })
  assert.equal(all.length, 15)
  const { entries } = await control.store.range(prefixOf(SCOPE, 'event'))
  assert.ok(entries.length < 30, `${entries.length} records are kept`)
})

test('a page ends with a marker that leads to the next', async () => {
  const control = testControl()
  for (let n = 0; n < 25; n++) await record(control, created(`db-${n}`))
  const first = await DescribeEvents({ MaxRecords: 20 }, requestContext(control))
  assert.equal(first.Events!.length, 20)
  const second = await DescribeEvents({ MaxRecords: 20, Marker: first.Marker! }, requestContext(control))
  assert.deepEqual(
    second.Events!.map((event) => event.SourceIdentifier),
    ['db-20', 'db-21', 'db-22', 'db-23', 'db-24'],
  )
  assert.equal(second.Marker, undefined)
})

test('what cannot be asked is refused', async () => {
  const control = testControl()
  const refused = (input: object, code: string): Promise<void> =>
    assert.rejects(messages(control, input), { name: code })
  await refused({ SourceIdentifier: 'orders' }, 'InvalidParameterCombination')
  await refused({ SourceType: 'db-table' }, 'InvalidParameterValue')
  await refused({ Duration: -1 }, 'InvalidParameterValue')
  await refused({ StartTime: new Date(control.clock.now() - 15 * DAY_MS) }, 'InvalidParameterValue')
  await refused({ StartTime: new Date(control.clock.now() + 1) }, 'InvalidParameterCombination')
  await refused({ Filters: [{ Name: 'x', Values: ['y'] }] }, 'InvalidParameterValue')
})

test('event categories are listed for every source or for one', async () => {
  const context = requestContext(testControl())
  const all = await DescribeEventCategories({}, context)
  assert.deepEqual(all.EventCategoriesMapList!.map(({ SourceType }) => SourceType).includes('db-proxy'), true)
  const one = await DescribeEventCategories({ SourceType: 'db-snapshot' }, context)
  assert.deepEqual(one.EventCategoriesMapList, [
    { SourceType: 'db-snapshot', EventCategories: ['creation', 'deletion', 'notification', 'restoration'] },
  ])
})
