import assert from 'node:assert/strict'
import test from 'node:test'
import { GIB } from '#base/bytes.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import type { ObservedStorage, StorageLevel } from '#wire/agent/storage.ts'
import { SCOPE, testControl, type TestControl } from '../../../tests/support/control.ts'
import { commit } from '../control.ts'
import { dbInstanceNames, dbInstances, keyOf, nameIndexOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { findEvents } from '../event/event.ts'
import type { HostReport, Hosts } from '../hosts.ts'
import { historyOf } from './history.ts'
import { watchStorage } from './watch.ts'

const MINUTE = 60_000
const record = {
  ...SCOPE,
  id: 'orders',
  resourceId: 'db-1',
  zone: 'a',
  phase: 'available',
  settings: {},
} as DbInstanceRecord

interface World {
  readonly control: TestControl
  /** The agent of zone a, or of another, reports this level. */
  report(level: StorageLevel, more?: { zone?: string; limit?: 'host'; forgets?: true }): Promise<void>
  events(): Promise<string[]>
}

async function world(): Promise<World> {
  let listener: (report: HostReport) => void = () => {}
  const seen = new Map<string, ObservedInstance>()
  const hosts = {
    zones: ['a', 'b'],
    observed: (zone: string) => seen.get(zone),
    onReport: (one: typeof listener) => (listener = one),
  } as unknown as Hosts
  const control = testControl({ hosts })
  await commit(control, dbInstances(control, SCOPE).create(record.id, record))
  await commit(control, dbInstanceNames(control).create(nameIndexOf(record), { id: record.id }))
  const log = memoryLog()
  watchStorage(control, log)
  return {
    control,
    async report(level, { zone = 'a', limit, forgets } = {}) {
      const storage: ObservedStorage = {
        level,
        limit: limit ?? 'allocation',
        usedBytes: 19 * GIB,
        allocatedBytes: 20 * GIB,
      }
      const instance = { id: 'db-1', storage } as ObservedInstance
      const before = forgets ? undefined : seen.get(zone)
      seen.set(zone, instance)
      listener({ type: 'observed', zone, instance, before })
      await control.clock.advance(1)
      assert.deepEqual(log.complaints, [])
    },
    async events() {
      const found = await findEvents(control, SCOPE, { from: 0, to: Infinity })
      return found.map(({ id }) => id.slice(-4)).sort()
    },
  }
}

test('every level on the way down is told once', async () => {
  const { report, events } = await world()
  await report('ample')
  assert.deepEqual(await events(), [])
  await report('low')
  assert.deepEqual(await events(), ['0089'])
  await report('critical')
  assert.deepEqual(await events(), ['0089', '0222'])
  await report('full')
  assert.deepEqual(await events(), ['0007', '0089', '0221', '0222'])
})

test('a fall through all levels at once tells that storage is low and full, and not that it will be', async () => {
  const { report, events } = await world()
  await report('full')
  assert.deepEqual(await events(), ['0007', '0089', '0221'])
})

test('what a host tells anew after it was away is no news', async () => {
  const { report, events } = await world()
  await report('full')
  await report('full', { forgets: true })
  assert.deepEqual(await events(), ['0007', '0089', '0221'])
})

test('a usage that wavers about a tenth is told of once an hour', async () => {
  const { control, report, events } = await world()
  for (let n = 0; n < 5; n++) for (const level of ['low', 'ample'] as const) await report(level)
  assert.deepEqual(await events(), ['0089'])
  await control.clock.advance(61 * MINUTE)
  await report('low')
  assert.deepEqual(await events(), ['0089', '0089'])
})

test('since when storage is low is remembered, until it is not', async () => {
  const { control, report } = await world()
  const since = async (): Promise<number | undefined> => (await historyOf(control, keyOf(record))).value.lowSince
  await report('low')
  const first = await since()
  assert.ok(first !== undefined)
  await control.clock.advance(MINUTE)
  await report('critical')
  await report('low')
  assert.equal(await since(), first)
  await report('ample')
  assert.equal(await since(), undefined)
})

test('a full disk of the host is told as such, and is not low storage', async () => {
  const { control, report, events } = await world()
  await report('full', { limit: 'host' })
  assert.deepEqual(await events(), ['0007', '0221'])
  const [exhausted] = await findEvents(control, SCOPE, { from: 0, to: Infinity, categories: ['low storage'] })
  assert.match(exhausted!.message, /disk of the host/)
  assert.equal((await historyOf(control, keyOf(record))).value.lowSince, undefined)
})

test('what another host sees of its copy says nothing about the instance', async () => {
  const { report, events } = await world()
  await report('full', { zone: 'b' })
  assert.deepEqual(await events(), [])
})
