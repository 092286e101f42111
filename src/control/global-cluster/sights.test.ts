/** What instances are told of their global database, on simulated hosts whose logs and relays say what the test does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { ToldOfCluster } from '#wire/agent/volume.ts'
import type { ObservedRelay } from '#wire/lognode/messages.ts'
import { lsnText } from '#wire/pg/lsn.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { auroraOf, keptAurora } from '../../../tests/support/simulated-aurora.ts'
import type { SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { clusterIn, EAST, relaysSeen, withSecondary } from '../../../tests/support/simulated-global.ts'
import { watchAuroraReplicas } from '../aurora-cluster/watch-replicas.ts'
import type { Hosts } from '../hosts.ts'
import { removeFromGlobalCluster } from './remove.ts'

const WHO = ['one', 'two', 'far-1', 'far-2'] as const
type Who = (typeof WHO)[number]

interface World {
  readonly control: SimulatedControl
  /** Where the log of each ends, by identifier. */
  readonly ends: Map<string, number>
  readonly told: Map<string, ToldOfCluster>
  /** Takes effect at the next look. */
  relay: Partial<ObservedRelay> | undefined
}

async function world(t: { after(end: () => void): void }): Promise<World> {
  const control = await withSecondary()
  const members = [...(await auroraOf(control)).members, ...(await clusterIn(control, EAST, 'far')).record.members]
  const idOf = (resourceId: string): string => members.find((member) => member.resourceId === resourceId)!.id
  const w: World = { control, ends: new Map(WHO.map((id) => [id, 0])), told: new Map(), relay: {} }
  relaysSeen(control, (relay) => {
    if (!w.relay) throw new Error('its log node does not answer')
    return { ...relay, ...w.relay }
  })
  const hosts = control.hosts as { -readonly [K in keyof Hosts]: Hosts[K] }
  const ask = hosts.ask.bind(hosts)
  hosts.ask = (async (zone, question, input) => {
    const { id } = input as { id: string }
    if (question === 'instance.tell-replicas') return void w.told.set(idOf(id), input as unknown as ToldOfCluster)
    if (question !== 'instance.position') return ask(zone, question, input)
    const lsn = lsnText(BigInt(w.ends.get(idOf(id))!))
    const role = (await auroraOf(control)).writer === id ? 'primary' : 'standby'
    return { role, timeline: 1, flushedLsn: lsn, replayedLsn: lsn, lagSeconds: undefined }
  }) as Hosts['ask']
  const watch = watchAuroraReplicas(control, memoryLog())
  t.after(() => watch.stop())
  return w
}

const look = ({ control }: World): Promise<unknown> => control.clock.advance(6 * SECOND_MS)

const clustersTold = ({ told }: World, who: Who): unknown =>
  told
    .get(who)!
    .global?.clusters.map(({ region, isPrimary, end, lagMs, behindMs, xmin }) => [
      region,
      isPrimary ? 'primary' : 'copy',
      end,
      lagMs,
      behindMs,
      xmin,
    ])

const instancesTold = ({ told }: World, who: Who): unknown =>
  told
    .get(who)!
    .global?.instances.map(({ region, serverId, isWriter, durable, received, lagMs }) => [
      `${region}/${serverId}`,
      isWriter,
      durable,
      received,
      lagMs,
    ])

test('every instance of a global database hears how far its copies and their readers are', async (t) => {
  const w = await world(t)
  for (const who of WHO) w.ends.set(who, 900)
  await look(w)
  for (const [who, end] of [
    ['one', 1000],
    ['two', 1000],
    ['far-1', 1000],
  ] as const)
    w.ends.set(who, end)
  const asOfMs = w.control.clock.now() - 400
  w.relay = { copied: 990, durable: 980, sourceEnd: 995, lagMs: 12, asOfMs, xmin: '700' }
  for (let n = 0; n < 3; n++) await look(w)
  const { seenAt } = w.told.get('one')!.global!.clusters[1]!
  for (const who of WHO) {
    assert.equal(w.told.get(who)!.global!.region, who.startsWith('far') ? EAST.region : SCOPE.region)
    assert.deepEqual(clustersTold(w, who), [
      [SCOPE.region, 'primary', 1000, undefined, undefined, undefined],
      [EAST.region, 'copy', 990, 12, seenAt! - asOfMs, '700'],
    ])
    const late = (instancesTold(w, who) as unknown[][])[3]!.at(-1)
    assert.ok((late as number) > 0 && (late as number) <= 18 * SECOND_MS, String(late))
    assert.deepEqual((instancesTold(w, who) as unknown[][]).slice(0, 3), [
      [`${SCOPE.region}/one`, true, 995, undefined, undefined],
      [`${SCOPE.region}/two`, false, 995, 1000, 0],
      [`${EAST.region}/far-1`, false, 980, 1000, 0],
    ])
  }
  const named = (who: Who): Map<string, string> =>
    new Map(w.told.get(who)!.replicas.map(({ serverId, sessionId }) => [serverId, sessionId]))
  for (const { serverId, sessionId } of w.told.get('one')!.global!.instances)
    assert.equal(sessionId, (serverId.startsWith('far') ? named('far-1') : named('one')).get(serverId))
})

test('of a copy that cannot be asked nothing is said but that it is there', async (t) => {
  const w = await world(t)
  w.relay = undefined
  await look(w)
  await look(w)
  assert.deepEqual(clustersTold(w, 'far-1'), [
    [SCOPE.region, 'primary', 0, undefined, undefined, undefined],
    [EAST.region, 'copy', undefined, undefined, undefined, undefined],
  ])
})

test('who has left a global database is told of none', async (t) => {
  const w = await world(t)
  await look(w)
  await look(w)
  assert.ok(w.told.get('far-1')!.global)
  const arn = (await clusterIn(w.control, EAST, 'far')).shown.DBClusterArn
  await inTime(
    w.control,
    removeFromGlobalCluster(w.control, SCOPE, { GlobalClusterIdentifier: 'world', DbClusterIdentifier: arn! }),
  )
  await keptAurora(w.control)
  await look(w)
  await look(w)
  assert.equal(w.told.get('far-1')!.global, undefined)
  assert.deepEqual(
    w.told.get('one')!.global!.clusters.map(({ region }) => region),
    [SCOPE.region],
  )
})
