/** What CloudWatch is told of a copy, on simulated hosts whose relay says what the test does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { ObservedRelay } from '#wire/lognode/messages.ts'
import { EAST, relaysSeen, withSecondary } from '../../../tests/support/simulated-global.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { clusterMetric } from '../metrics/collect.ts'
import { watchGlobalLag } from './watch-lag.ts'

const NAMES = ['AuroraGlobalDBReplicationLag', 'AuroraGlobalDBRPOLag', 'AuroraGlobalDBDataTransferBytes']

test('a copy is as far behind as its relay says, and is told of only when it was asked', async () => {
  const control = await withSecondary()
  let said: Partial<ObservedRelay> | undefined
  relaysSeen(control, (relay) => {
    if (!said) throw new Error('its log node does not answer')
    return { ...relay, ...said }
  })
  const read = (name: string, cluster: Parameters<typeof clusterMetric>[0], region: string) => {
    const { dimensions, ...id } = clusterMetric(cluster, name)
    const metric = { ...id, dimensions: { ...dimensions, SourceRegion: region } }
    return control.metrics.read(metric, 0, control.clock.now() + MINUTE_MS)
  }
  const seen = (): (readonly (readonly number[])[])[] =>
    NAMES.map((name) => read(name, { ...EAST, id: 'far' }, SCOPE.region).map(({ count, sum }) => [count, sum]))
  // The beginning of a minute.
  await control.clock.advance(MINUTE_MS - (control.clock.now() % MINUTE_MS))
  said = { lagMs: 120, asOfMs: control.clock.now() - 400, copied: 1_000 }
  const watch = watchGlobalLag(control, memoryLog())
  await control.clock.advance(SECOND_MS)
  assert.deepEqual(seen(), [[[1, 120]], [[1, 400]], []])
  said = { lagMs: 80, asOfMs: control.clock.now() - 1_000, copied: 51_000 }
  await control.clock.advance(5 * SECOND_MS)
  const [lag, behind, brought] = seen()
  assert.deepEqual(lag, [[2, 200]])
  assert.equal(behind![0]![0], 2)
  assert.deepEqual(brought, [[1, 50_000]])
  said = undefined
  await control.clock.advance(MINUTE_MS)
  assert.deepEqual(seen()[0], [[2, 200]], 'what was not measured is absent')
  for (const name of NAMES) assert.deepEqual(read(name, { ...SCOPE, id: 'shop' }, SCOPE.region), [])
  watch.stop()
})
