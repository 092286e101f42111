/** Serverless instances of an agent with scripted engines: their capacity follows what is measured of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentBench, creation, run, spec } from '../../../tests/support/agent-bench.ts'
import type { Agent } from '../agent.ts'
import type { ControlGroups } from '#host/control-groups.ts'
import { MEASURE_EVERY_MS } from '../limits.ts'

const serverless = {
  ...spec,
  capacity: { ...spec.capacity, memoryBytes: 2 ** 40 },
  settings: { ...spec.settings, effective_cache_size: '1' },
  serverless: {
    minAcu: 0.5,
    maxAcu: 8,
    scaled: { effective_cache_size: { formula: '{DBInstanceClassMemory/16384}', min: 1, max: 2 ** 31 } },
  },
}

async function begun(bench: AgentBench): Promise<Agent> {
  const agent = await bench.agent()
  assert.equal((await run(agent, 'create', 'instance.create', { ...creation, spec: serverless })).state, 'succeeded')
  return agent
}

const looks = (bench: AgentBench, count = 1): Promise<void> => bench.clock.advance(count * MEASURE_EVERY_MS)
const acuOf = (agent: Agent): number | undefined => agent.observed()[0]!.acu
const cacheOf = (bench: AgentBench): string | undefined =>
  bench.engine.volumes.get(bench.folder(spec.id))?.conf?.settings['effective_cache_size']

/** A load that needs this many ACUs by its connections. */
const connectionsFor = (acu: number): number => Math.floor(acu * 225)

test('capacity follows the load, the running engine gets the settings of it, and both are measured', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: 3 }
  const agent = await begun(bench)
  assert.equal(acuOf(agent), 0.5)
  assert.equal(cacheOf(bench), String(2 ** 30 / 16384))
  bench.engine.facts = { connections: connectionsFor(4) }
  await looks(bench, 6)
  assert.equal(acuOf(agent), 4)
  assert.equal(cacheOf(bench), String(2 ** 33 / 16384))
  assert.ok(bench.engine.calls.includes('reload'))
  await looks(bench, 12)
  const { minutes } = await agent.ask('measures.read', { from: 0 })
  const { ServerlessDatabaseCapacity: capacity, ACUUtilization: part } = minutes.at(-1)!.metrics
  assert.deepEqual([capacity!.max, part!.max], [4, 50])
  await agent.shutDown()
})

test('the next agent goes on with the capacity that there was', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: connectionsFor(4) }
  const agent = await begun(bench)
  await looks(bench, 6)
  await agent.shutDown()
  const next = await bench.agent()
  assert.equal(acuOf(next), 4)
  await looks(bench, 1)
  assert.equal(cacheOf(bench), String(2 ** 33 / 16384))
  await next.shutDown()
})

test('a capacity that the engine does not take is tried again at the next look', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: connectionsFor(2) }
  const agent = await begun(bench)
  let refusals = 0
  bench.engine.on('reload', () => {
    if (refusals++ === 0) throw new Error('the disk is full')
  })
  await looks(bench, 4)
  assert.equal(acuOf(agent), 2)
  assert.ok(refusals > 1)
  assert.equal(bench.log.complaints.length, 1)
  await agent.shutDown()
})

test('an instance has no less than its writer for as long as that is said', async () => {
  const bench = new AgentBench()
  bench.engine.facts = { connections: 0 }
  const agent = await begun(bench)
  await agent.ask('instance.capacity-floor', { id: spec.id, acu: 6, forMs: 30_000 })
  await looks(bench, 2)
  assert.equal(acuOf(agent), 6)
  await looks(bench, 40)
  assert.equal(acuOf(agent), 0.5)
  await agent.shutDown()
})

/** Control groups that only remember what is asked of them. */
function rememberedGroups(): ControlGroups & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    controllers: ['cpu', 'memory'],
    hold: async (name, _pid, { vcpus, memoryBytes }) =>
      void asked.push(`hold ${name} ${vcpus} ${(memoryBytes ?? 0) / 2 ** 30}`),
    lift: async (name) => void asked.push(`lift ${name}`),
    remove: async (name) => void asked.push(`remove ${name}`),
  }
}

test('the kernel holds an engine to its capacity, beside buffers that all share', async () => {
  const bench = new AgentBench()
  const groups = rememberedGroups()
  bench.groups = groups
  bench.engine.facts = { connections: 3, sharedMemoryBytes: 2 ** 30 }
  const agent = await begun(bench)
  await looks(bench)
  assert.equal(groups.asked.at(-1), `hold ${spec.id} 0.125 2`)
  bench.engine.facts = { connections: connectionsFor(4), sharedMemoryBytes: 2 ** 30 }
  await looks(bench, 6)
  assert.equal(groups.asked.at(-1), `hold ${spec.id} 1 9`)
  await agent.shutDown()
  assert.equal(groups.asked.at(-1), `lift ${spec.id}`)
})

test('a job that ends an engine is not held up, and the next look limits the engine again', async () => {
  const bench = new AgentBench()
  const groups = rememberedGroups()
  bench.groups = groups
  bench.engine.facts = { connections: 3 }
  const agent = await begun(bench)
  await looks(bench)
  groups.asked.length = 0
  let limitedDuring: string[] = []
  bench.engine.on('start', () => void (limitedDuring = [...groups.asked]))
  assert.equal((await run(agent, 'again', 'instance.restart', { spec: serverless })).state, 'succeeded')
  assert.deepEqual(limitedDuring, [`lift ${spec.id}`])
  await looks(bench)
  assert.equal(groups.asked.at(-1), `hold ${spec.id} 0.125 1`)
  assert.equal((await run(agent, 'gone', 'instance.remove', { id: spec.id })).state, 'succeeded')
  await bench.clock.advance(0)
  assert.equal(groups.asked.at(-1), `remove ${spec.id}`)
  await agent.shutDown()
})

test('an engine that is not serverless is not limited, and limits that fail are tried again', async () => {
  const bench = new AgentBench()
  const groups = rememberedGroups()
  bench.engine.facts = { connections: 3 }
  const agent = await bench.agent()
  assert.equal((await run(agent, 'create', 'instance.create', creation)).state, 'succeeded')
  await looks(bench, 2)
  assert.deepEqual(groups.asked, [])
  await agent.shutDown()

  const other = new AgentBench()
  let failures = 0
  other.groups = {
    ...groups,
    hold: async () => {
      failures++
      throw new Error('the group is gone')
    },
  }
  other.engine.facts = { connections: 3 }
  const limited = await begun(other)
  await looks(other, 3)
  assert.ok(failures > 1)
  assert.equal(other.log.complaints.length, 1)
  await limited.shutDown()
})
