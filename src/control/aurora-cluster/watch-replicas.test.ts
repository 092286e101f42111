/** What the instances of a cluster are told of each other, on simulated hosts whose logs end where the test says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { ReplicaStatus } from '#wire/agent/volume.ts'
import { lsnText } from '#wire/pg/lsn.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { addInstance, auroraOf, newAurora } from '../../../tests/support/simulated-aurora.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { changeCluster } from '../cluster/verbs.ts'
import type { Hosts } from '../hosts.ts'
import { clusterMetric, instanceMetric } from '../metrics/collect.ts'
import { watchAuroraReplicas } from './watch-replicas.ts'

interface World {
  readonly control: SimulatedControl
  /** Where the log of each instance ends, by identifier. */
  readonly ends: Map<string, number>
  /** What each was told last, by identifier. */
  readonly told: Map<string, readonly ReplicaStatus[]>
  readonly connected: Set<string>
  stop(): void
}

async function world(): Promise<World> {
  const control = await simulatedControl()
  await newAurora(control, 'shop')
  for (const id of ['one', 'two', 'two-b']) await addInstance(control, id)
  const { members } = await auroraOf(control)
  const idOf = (resourceId: string): string => members.find((member) => member.resourceId === resourceId)!.id
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const { ask } = control.hosts
  const ends = new Map(members.map(({ id }) => [id, 0]))
  const told = new Map<string, readonly ReplicaStatus[]>()
  const connected = new Set(hosts.zones)
  hosts.isConnected = (zone) => connected.has(zone)
  hosts.ask = (async (zone, question, input) => {
    const { id } = input as { id: string }
    if (question === 'instance.tell-replicas')
      return void told.set(idOf(id), (input as { replicas: readonly ReplicaStatus[] }).replicas)
    if (question !== 'instance.position') return ask(zone, question, input)
    const lsn = lsnText(BigInt(ends.get(idOf(id))!))
    const role = (await auroraOf(control)).writer === id ? 'primary' : 'standby'
    return { role, timeline: 1, flushedLsn: lsn, replayedLsn: lsn, lagSeconds: undefined }
  }) as Hosts['ask']
  const watch = watchAuroraReplicas(control, memoryLog())
  await control.clock.advance(SECOND_MS)
  return { control, ends, told, connected, stop: () => watch.stop() }
}

const rows = ({ told }: World, id: string): (readonly [string, boolean, number | undefined])[] =>
  told.get(id)!.map(({ serverId, isWriter, lagMs }) => [serverId, isWriter, lagMs])

test('every instance hears who writes, and how far readers are behind', async () => {
  const w = await world()
  const level = [
    ['one', true, undefined],
    ['two', false, 0],
    ['two-b', false, 0],
  ]
  for (const id of ['one', 'two', 'two-b']) assert.deepEqual(rows(w, id), level)
  assert.equal(new Set(w.told.get('one')!.map(({ sessionId }) => sessionId)).size, 3)
  const { sessionId } = w.told.get('one')![1]!
  for (const end of [100, 200, 300]) {
    w.ends.set('one', end).set('two', end)
    await w.control.clock.advance(5 * SECOND_MS)
  }
  const [, two, late] = w.told.get('two')!
  assert.deepEqual([two!.sessionId, two!.lagMs], [sessionId, 0])
  assert.ok(late!.lagMs! >= 10 * SECOND_MS && late!.lagMs! < 20 * SECOND_MS, String(late!.lagMs))
  w.stop()
})

test('another writer is told within a second, and who is away stays for a while as it was last known', async () => {
  const w = await world()
  await inTime(w.control, changeCluster(w.control, SCOPE, 'failover', { DBClusterIdentifier: 'shop' }))
  await w.control.clock.advance(SECOND_MS)
  assert.deepEqual(
    rows(w, 'one').map(([id, isWriter]) => [id, isWriter]),
    [
      ['one', false],
      ['two', true],
      ['two-b', false],
    ],
  )
  w.connected.delete('c')
  const { seenAt } = w.told.get('one')![2]!
  await w.control.clock.advance(MINUTE_MS)
  assert.equal(w.told.get('one')![2]!.seenAt, seenAt)
  for (let n = 0; n < 6; n++) await w.control.clock.advance(MINUTE_MS)
  assert.deepEqual(
    rows(w, 'one').map(([id]) => id),
    ['one', 'two'],
  )
  w.stop()
})

test('the lag of readers is a metric of each, and the least and the greatest are ones of the cluster', async () => {
  const w = await world()
  w.ends.set('one', 100).set('two', 100)
  await w.control.clock.advance(5 * SECOND_MS)
  await w.control.clock.advance(5 * SECOND_MS)
  const last = (id: Parameters<typeof w.control.metrics.read>[0]): number =>
    w.control.metrics.read(id, 0, Infinity).at(-1)!.max
  const of = (id: string): number => last(instanceMetric({ ...SCOPE, id }, 'AuroraReplicaLag'))
  assert.equal(of('two'), 0)
  assert.equal(of('two-b'), 5 * SECOND_MS)
  const shop = { ...SCOPE, id: 'shop' }
  assert.equal(last(clusterMetric(shop, 'AuroraReplicaLagMaximum')), 5 * SECOND_MS)
  assert.equal(last(clusterMetric(shop, 'AuroraReplicaLagMinimum')), 0)
  w.stop()
})
