import assert from 'node:assert/strict'
import test from 'node:test'
import type { Agent } from '../agent.ts'
import type { MeasuredMinute } from '#wire/agent/measures.ts'
import { AgentBench, created, run, spec } from '../../../tests/support/agent-bench.ts'
import { MEASURE_EVERY_MS } from '../limits.ts'

const read = async (agent: Agent): Promise<readonly MeasuredMinute[]> =>
  (await agent.ask('measures.read', { from: 0 })).minutes

const looks = (bench: AgentBench, count: number): Promise<void> => bench.clock.advance(count * MEASURE_EVERY_MS)

test('an instance is measured while it runs, and told by the minute until it is removed', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: 3 }
  const agent = await created(bench)
  await looks(bench, 30)
  const minutes = await read(agent)
  const counts = minutes.map(({ metrics }) => metrics.DatabaseConnections?.count ?? 0)
  assert.ok(counts.length >= 2 && counts.every((count) => count >= 1 && count <= 12), counts.join(' '))
  assert.ok(minutes.every(({ id, minute }) => id === spec.id && minute % 60_000 === 0))

  await run(agent, 'stop', 'instance.stop', { id: spec.id, mode: 'fast' })
  const before = bench.engine.calls.filter((call) => call === 'measure').length
  await looks(bench, 3)
  assert.equal(bench.engine.calls.filter((call) => call === 'measure').length, before)

  await run(agent, 'remove', 'instance.remove', { id: spec.id })
  assert.deepEqual(await read(agent), [])
  await agent.shutDown()
})

test('a look that hangs holds up no other work, and a removed instance is not told of after it', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: 3 }
  const agent = await created(bench)
  const hung = Promise.withResolvers<void>()
  bench.engine.on('measure', () => hung.promise)
  await looks(bench, 1)
  await run(agent, 'remove', 'instance.remove', { id: spec.id })
  hung.resolve()
  await looks(bench, 1)
  assert.deepEqual(await read(agent), [])
  await agent.shutDown()
})
