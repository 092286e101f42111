/** Flow control over simulated members whose positions the test tells. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND_MS } from '#base/durations.ts'
import { memoryLog, type MemoryLog } from '#base/memory-log.ts'
import { lsnText } from '#wire/pg/lsn.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, newCluster } from '../../../tests/support/simulated-cluster.ts'
import { commit } from '../control.ts'
import type { Endpoints } from '../endpoints.ts'
import type { Hosts } from '../hosts.ts'
import { controlFlows, LEASE_MS } from './flow-control.ts'
import { dbClusters, memberIn, readersOf, type DbClusterRecord, type Member } from './record.ts'

interface World {
  readonly control: SimulatedControl
  readonly cluster: DbClusterRecord
  readonly writer: Member
  readonly readers: Member[]
  /** Where each member's log ends for who reads there, by zone; `silent`: it does not answer. */
  readonly at: Map<string, number | 'silent'>
  /** Zones of readers of which the agent says so. */
  readonly notStreaming: Set<string>
  readonly throttled: { id: string; delayMs: number; forMs: number }[]
  /** Zones, by the order in which they were asked. */
  readonly asked: string[]
  whenAsked: (zone: string) => void
  readonly log: MemoryLog
  stop(): void
}

async function world(): Promise<World> {
  const control = await simulatedControl()
  const cluster = await inTime(control, newCluster(control, 'orders'))
  const writer = memberIn(cluster, cluster.writer)
  const at = new Map<string, number | 'silent'>(cluster.members.map(({ zone }) => [zone, 0]))
  const throttled: World['throttled'] = []
  const endpoints: Endpoints = {
    ...control.endpoints,
    throttle: async (id, delayMs, forMs) => {
      throttled.push({ id, delayMs, forMs })
    },
  }
  const asked: string[] = []
  const ask = async (zone: string): Promise<unknown> => {
    asked.push(zone)
    made.whenAsked(zone)
    const position = at.get(zone)!
    if (position === 'silent') throw new Error('no answer')
    const lsn = lsnText(BigInt(position))
    const role = (await clusterOf(control)).writer === zone ? 'primary' : 'standby'
    return { role, timeline: 1, flushedLsn: lsn, replayedLsn: lsn, lagSeconds: 0 }
  }
  const notStreaming = new Set<string>()
  const observed: Hosts['observed'] = (zone, id) => {
    const seen = control.hosts.observed(zone, id)
    if (!seen || !notStreaming.has(zone)) return seen
    return { ...seen, replication: { role: 'standby', isStreaming: false, sourceAnswers: true } }
  }
  const hosts: Hosts = { ...control.hosts, ask: ask as Hosts['ask'], observed }
  const log = memoryLog()
  const running = controlFlows({ store: control.store, clock: control.clock, hosts, endpoints }, log)
  const made: World = {
    control,
    cluster,
    writer,
    readers: readersOf(cluster),
    at,
    notStreaming,
    throttled,
    asked,
    log,
    whenAsked: () => {},
    stop: () => running.stop(),
  }
  return made
}

/** The writer writes a byte a second, and so do readers that are not in `behind`. */
async function write({ control, at, writer, readers }: World, seconds: number, behind: Member[] = []): Promise<void> {
  for (let n = 0; n < seconds; n++) {
    const end = (at.get(writer.zone) as number) + 1
    at.set(writer.zone, end)
    for (const { zone } of readers)
      if (!behind.some((member) => member.zone === zone) && at.get(zone) !== 'silent') at.set(zone, end)
    await control.clock.advance(SECOND_MS)
  }
}

test('who writes is held more and more while a reader is too far behind, and no longer once it is not', async () => {
  const w = await world()
  const [late] = w.readers
  await write(w, 119, [late!])
  assert.equal(w.throttled.length, 0, 'within the target nothing is done')
  await write(w, 20, [late!])
  const routes = new Set(w.throttled.map(({ id }) => id))
  assert.deepEqual([...routes].sort(), [w.cluster.resourceId, w.writer.resourceId].sort(), 'both ways to the writer')
  const delays = w.throttled.filter(({ id }) => id === w.cluster.resourceId).map(({ delayMs }) => delayMs)
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  )
  assert.ok(delays.at(-1)! > 100 * delays[0]!, `${delays.join()}`)
  assert.ok(w.throttled.every(({ forMs }) => forMs === LEASE_MS))
  await write(w, 3)
  assert.deepEqual(w.throttled.at(-1)!.delayMs, 0)
  const count = w.throttled.length
  await write(w, 60)
  assert.equal(w.throttled.length, count, 'nothing is said while nobody is held')
  assert.deepEqual(
    w.log.lines.map(({ level }) => level),
    ['info', 'info'],
  )
  w.stop()
})

test('a reader that does not answer, or does not stream, holds nobody up; nor does one of a writer that does nothing', async () => {
  const w = await world()
  const [late, other] = w.readers
  w.at.set(late!.zone, 'silent')
  await write(w, 300)
  w.at.set(late!.zone, 0)
  w.notStreaming.add(late!.zone)
  await write(w, 300, [late!])
  assert.equal(w.at.get(other!.zone), w.at.get(w.writer.zone))
  await w.control.clock.advance(300 * SECOND_MS)
  assert.equal(w.throttled.length, 0)
  w.stop()
})

test('when another is the writer, the one of before is let go', async () => {
  const w = await world()
  await write(w, 130, w.readers)
  assert.ok(w.throttled.at(-1)!.delayMs > 0)
  const held = (await dbClusters(w.control, w.cluster).get('orders'))!
  await commit(w.control, dbClusters(w.control, w.cluster).update(held, { ...held.value, writer: w.readers[0]!.zone }))
  await w.control.clock.advance(SECOND_MS)
  assert.deepEqual(
    w.throttled.slice(-2).map(({ id, delayMs }) => [id, delayMs]),
    [
      [w.cluster.resourceId, 0],
      [w.writer.resourceId, 0],
    ],
  )
  w.stop()
})

test('a silent writer is noted, and looked at again', async () => {
  const w = await world()
  w.at.set(w.writer.zone, 'silent')
  await w.control.clock.advance(5 * SECOND_MS)
  w.at.set(w.writer.zone, 1)
  await write(w, 130, w.readers)
  assert.ok(w.throttled.at(-1)!.delayMs > 0)
  w.stop()
})

test('once it is stopped nobody is asked any more, which would start a host anew', async () => {
  const w = await world()
  w.whenAsked = (zone) => void (zone === w.writer.zone && w.stop())
  await write(w, 5, w.readers)
  assert.deepEqual(w.asked, [w.writer.zone])
})
