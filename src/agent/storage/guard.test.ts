import assert from 'node:assert/strict'
import test from 'node:test'
import { GIB, MIB } from '#base/bytes.ts'
import type { ObservedStorage } from '#wire/agent/storage.ts'
import type { Agent } from '../agent.ts'
import { AgentBench, created, run, spec } from '../../../tests/support/agent-bench.ts'
import { GUARD_EVERY_MS, MEASURE_EVERY_MS } from '../limits.ts'

const FOLDER = `memory:instances/${spec.id}`
const { capacity } = spec

const storage = (agent: Agent): ObservedStorage | undefined => agent.observed()[0]!.storage
const free = (bench: AgentBench, freeBytes: number): void => {
  bench.engine.facts = { storageBytes: capacity.storageBytes - freeBytes }
}
const guarding = ({ engine }: AgentBench): string[] =>
  engine.calls.filter((call) => ['read-only', 'writable', 'endWriters', 'reclaimLog'].includes(call))

async function fullInstance(bench: AgentBench): Promise<Agent> {
  free(bench, 10 * GIB)
  const agent = await created(bench)
  await bench.clock.advance(MEASURE_EVERY_MS)
  assert.equal(storage(agent)!.level, 'ample')
  free(bench, 400 * MIB)
  await bench.clock.advance(MEASURE_EVERY_MS)
  return agent
}

test('an engine whose storage is full is made read-only, its writers are ended, and it is told once', async () => {
  const bench = new AgentBench()
  const agent = await fullInstance(bench)
  assert.deepEqual(guarding(bench), ['read-only', 'endWriters', 'reclaimLog'])
  assert.ok(bench.engine.readOnly.has(FOLDER))
  assert.deepEqual(storage(agent), {
    level: 'full',
    limit: 'allocation',
    usedBytes: capacity.storageBytes - 400 * MIB,
    allocatedBytes: capacity.storageBytes,
  })
  const reports = bench.reports.length
  await bench.clock.advance(10 * GUARD_EVERY_MS)
  assert.equal(bench.reports.length, reports)
  assert.equal(guarding(bench).length, 3)
  await agent.shutDown()
})

test('who fills the reserve is ended within a second, again and again; who writes a little is not', async () => {
  const bench = new AgentBench()
  const agent = await fullInstance(bench)
  await bench.clock.advance(GUARD_EVERY_MS)
  const before = guarding(bench).length
  free(bench, 350 * MIB)
  await bench.clock.advance(3 * GUARD_EVERY_MS)
  assert.equal(guarding(bench).length, before)
  for (const left of [200, 50, -100]) {
    free(bench, left * MIB)
    await bench.clock.advance(2 * GUARD_EVERY_MS)
  }
  const once = ['endWriters', 'reclaimLog']
  assert.deepEqual(guarding(bench).slice(before), [...once, ...once, ...once])
  await agent.shutDown()
})

test('once there is storage again, by deletion or by allocation, the engine is writable', async () => {
  const bench = new AgentBench()
  const agent = await fullInstance(bench)
  free(bench, 600 * MIB)
  await bench.clock.advance(2 * GUARD_EVERY_MS)
  assert.equal(storage(agent)!.level, 'full', 'a little is not enough')
  free(bench, 3 * GIB)
  await bench.clock.advance(GUARD_EVERY_MS)
  assert.equal(storage(agent)!.level, 'ample')
  assert.equal(bench.engine.readOnly.size, 0)

  free(bench, 400 * MIB)
  await bench.clock.advance(MEASURE_EVERY_MS)
  assert.equal(storage(agent)!.level, 'full')
  const more = { ...spec, capacity: { ...capacity, storageBytes: capacity.storageBytes + 10 * GIB } }
  await run(agent, 'grow', 'instance.reload', { spec: more })
  // The clock has not moved: the job's end alone brought it about.
  await bench.clock.advance(0)
  assert.equal(storage(agent)!.level, 'ample')
  assert.equal(storage(agent)!.allocatedBytes, more.capacity.storageBytes)
  await agent.shutDown()
})

test('an agent that comes after says at once that storage is full, and goes on guarding', async () => {
  const bench = new AgentBench()
  const { die } = await (async () => {
    free(bench, 400 * MIB)
    const dying = await bench.dyingAgent()
    await run(dying.agent, 'create', 'instance.create', {
      spec,
      master: { name: 'app', passwordVerifier: '' },
      databaseName: undefined,
    })
    await bench.clock.advance(MEASURE_EVERY_MS)
    return dying
  })()
  assert.ok(bench.engine.readOnly.has(FOLDER))
  die()
  const agent = await bench.agent()
  assert.equal(storage(agent)!.level, 'full')
  free(bench, 3 * GIB)
  await bench.clock.advance(MEASURE_EVERY_MS)
  assert.equal(bench.engine.readOnly.size, 0)
  await agent.shutDown()
})

test('an engine that cannot be made read-only is said to be full, and tried again', async () => {
  const bench = new AgentBench()
  bench.engine.on('read-only', () => {
    throw new Error('the disk is full')
  })
  const agent = await fullInstance(bench)
  assert.equal(storage(agent)!.level, 'full')
  await bench.clock.advance(3 * GUARD_EVERY_MS)
  assert.equal(bench.log.complaints.filter((line) => line.includes('the disk is full')).length, 1)
  bench.engine.on('read-only', undefined)
  await bench.clock.advance(GUARD_EVERY_MS)
  assert.ok(bench.engine.readOnly.has(FOLDER))
  await agent.shutDown()
})

test('a fast writer is seen before he is through, though there was plenty of storage at the last look', async () => {
  const bench = new AgentBench()
  free(bench, 10 * GIB)
  const agent = await created(bench)
  await bench.clock.advance(MEASURE_EVERY_MS)
  free(bench, 5 * GIB)
  await bench.clock.advance(MEASURE_EVERY_MS)
  assert.equal(storage(agent)!.level, 'ample')
  free(bench, 400 * MIB)
  await bench.clock.advance(GUARD_EVERY_MS)
  assert.equal(storage(agent)!.level, 'full')
  await agent.shutDown()
})
