import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryLog } from '#base/memory-log.ts'
import { auroraClusters, auroraKeyOf, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { commit } from '../control.ts'
import { dbInstanceNames, dbInstances, nameIndexOf, type DbInstanceRecord } from '../db-instance/record.ts'
import type { Hosts } from '../hosts.ts'
import type { MeasuredMinute } from '#wire/agent/measures.ts'
import { SCOPE, testControl, type TestControl } from '../../../tests/support/control.ts'
import { collectMetrics, instanceMetric } from './collect.ts'

const record = { ...SCOPE, id: 'orders', resourceId: 'db-1', zone: 'a' } as DbInstanceRecord

/** Hosts that tell these minutes, two at a time, and remember from when they were asked. */
async function world(
  told: MeasuredMinute[],
): Promise<{ control: TestControl; asked: number[]; connected: Set<string> }> {
  const asked: number[] = []
  const connected = new Set(['a', 'b'])
  const hosts = {
    zones: ['a', 'b', 'c'],
    isConnected: (zone: string) => connected.has(zone),
    ask: async (zone: string, _question: string, { from }: { from: number }) => {
      assert.equal(zone, 'a', 'only hosts with instances are asked')
      asked.push(from)
      const found = told.filter(({ minute }) => minute >= from)
      return { minutes: found.slice(0, 2), more: found.length > 2 }
    },
  } as unknown as Hosts
  const control = testControl({ hosts })
  await commit(control, dbInstances(control, SCOPE).create(record.id, record))
  await commit(control, dbInstanceNames(control).create(nameIndexOf(record), { id: record.id }))
  return { control, asked, connected }
}

const minuteOf = (minute: number, value: number, count = 12, id = 'db-1'): MeasuredMinute => ({
  id,
  minute,
  metrics: { DatabaseConnections: { count, sum: value * count, min: value, max: value } },
})

const valuesOf = ({ metrics }: TestControl): number[] =>
  metrics.read(instanceMetric(record, 'DatabaseConnections'), 0, Infinity).map(({ max }) => max)

test('everything that a host has is read once, and the present minute again as it goes on', async () => {
  const at = Date.UTC(2026, 0, 1)
  const told = [1, 2, 3, 4, 5].map((n) => minuteOf(at + n * 60_000, n, n === 5 ? 2 : 12))
  const { control, asked } = await world(told)
  const collecting = collectMetrics(control, memoryLog())
  await control.clock.advance(1)
  assert.deepEqual(valuesOf(control), [1, 2, 3, 4, 5])
  told[4] = minuteOf(at + 5 * 60_000, 50, 12)
  await control.clock.advance(10_000)
  assert.deepEqual(valuesOf(control), [1, 2, 3, 4, 50])
  assert.equal(asked.at(-1), at + 5 * 60_000)
  collecting.stop()
})

test('minutes of instances that nobody knows are left out', async () => {
  const at = Date.UTC(2026, 0, 1)
  const { control } = await world([minuteOf(at, 1), minuteOf(at, 2, 12, 'db-gone')])
  const collecting = collectMetrics(control, memoryLog())
  await control.clock.advance(1)
  assert.equal(control.metrics.list(SCOPE).length, 1)
  collecting.stop()
})

test('a host that is away is not asked, and tells the rest when it is back', async () => {
  const at = Date.UTC(2026, 0, 1)
  const { control, asked, connected } = await world([minuteOf(at, 1)])
  connected.delete('a')
  const collecting = collectMetrics(control, memoryLog())
  await control.clock.advance(60_000)
  assert.deepEqual(asked, [])
  connected.add('a')
  await control.clock.advance(10_000)
  assert.deepEqual(valuesOf(control), [1])
  collecting.stop()
})

test('trouble is told once, and what was missed is read afterwards', async () => {
  const at = Date.UTC(2026, 0, 1)
  const { control } = await world([minuteOf(at, 1)])
  const { record: keep } = control.metrics
  const log = memoryLog()
  control.metrics.record = () => {
    throw new Error('the disk is full')
  }
  const collecting = collectMetrics(control, log)
  await control.clock.advance(60_000)
  assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1)
  control.metrics.record = keep
  await control.clock.advance(10_000)
  assert.deepEqual(valuesOf(control), [1])
  collecting.stop()
})

test('the volume of an Aurora cluster is as large as what its writer has', async () => {
  const at = Date.UTC(2026, 0, 1)
  const space = (id: string, free: number): MeasuredMinute => ({
    id,
    minute: at,
    metrics: { FreeStorageSpace: { count: 2, sum: 2 * free, min: free, max: free } },
  })
  const all = 128 * 2 ** 40
  const { control } = await world([space('db-1', all - 700), space('db-2', all - 900)])
  const cluster = { ...SCOPE, id: 'shop', resourceId: 'cluster-1', writer: 'db-1' } as AuroraClusterRecord
  const aurora = { promotionTier: 1 }
  const member = { ...record, aurora, cluster: auroraKeyOf(cluster) } as DbInstanceRecord
  const held = await dbInstances(control, SCOPE).get(record.id)
  await commit(control, dbInstances(control, SCOPE).update(held!, member))
  const other = { ...member, id: 'other', resourceId: 'db-2' }
  await commit(control, dbInstances(control, SCOPE).create(other.id, other))
  await commit(control, dbInstanceNames(control).create(nameIndexOf(other), { id: other.id }))
  await commit(control, auroraClusters(control, SCOPE).create(cluster.id, cluster))
  const collecting = collectMetrics(control, memoryLog())
  await control.clock.advance(1)
  const metric = {
    ...SCOPE,
    namespace: 'AWS/RDS',
    name: 'VolumeBytesUsed',
    dimensions: { DBClusterIdentifier: 'shop' },
  }
  assert.deepEqual(control.metrics.read(metric, 0, Infinity), [{ minute: at, count: 2, sum: 1400, min: 700, max: 700 }])
  collecting.stop()
})
