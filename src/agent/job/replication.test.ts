import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobView } from '#wire/agent/messages.ts'
import type { Replication } from '#wire/agent/replication.ts'
import { AgentBench, creation, ended, spec } from '../../../tests/support/agent-bench.ts'

const SOURCE = { host: '127.0.0.1', port: 5433, caPem: 'ca' }
const standby: Replication = { role: 'standby', name: 'b', followers: [], source: SOURCE, readable: false }
const primary: Replication = { role: 'primary', followers: ['b'], synchronous: ['b'] }

const codeOf = (view: JobView): string => (view.state === 'failed' ? view.error.code : view.state)

async function withSeed(bench: AgentBench): Promise<void> {
  await bench.volumes.recordSnapshot('seed-1', { sizeBytes: 1, engineVersion: '17.10' })
}

test('a standby takes the place of whatever the host has of the instance, and uses its seed up', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', creation)
  await ended(agent, 'create')
  await withSeed(bench)
  const spec2 = { ...spec, replication: standby, generation: 2 }
  await agent.startJob('follow', 'instance.follow', { spec: spec2, seedId: 'seed-1' })
  assert.equal((await ended(agent, 'follow')).state, 'succeeded')
  assert.ok(bench.engine.calls.includes('kill'), 'the old engine did not go on beside the standby')
  assert.equal(await bench.volumes.snapshot('seed-1'), undefined)
  // Asked for again by a flow that does not know: what is there is not touched.
  const before = bench.engine.calls.length
  await agent.startJob('again', 'instance.follow', { spec: spec2, seedId: 'seed-1' })
  assert.equal((await ended(agent, 'again')).state, 'succeeded')
  assert.deepEqual(bench.engine.calls.slice(before), [])
})

test('without its seed no standby is made, and what the host has stays', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', creation)
  await ended(agent, 'create')
  await agent.startJob('follow', 'instance.follow', { spec: { ...spec, replication: standby }, seedId: 'seed-9' })
  assert.equal(codeOf(await ended(agent, 'follow')), 'snapshot-missing')
  assert.ok(bench.engine.isRunning(bench.folder('db-A')))
})

test('a fence ends the engine in the middle of a job that has its turn, and it stays ended', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', { ...creation, spec: { ...spec, revivedBy: 'control' } })
  await ended(agent, 'create')
  const copying = Promise.withResolvers<void>()
  bench.engine.on('snapshot', () => copying.promise)
  await agent.startJob('copy', 'instance.snapshot', { id: 'db-A', snapshotId: 'snap-1' })
  await agent.startJob('fence', 'instance.fence', { id: 'db-A' })
  await bench.clock.advance(0)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  copying.reject(new Error('the session ended'))
  assert.equal((await ended(agent, 'fence')).state, 'succeeded')
  await bench.clock.advance(120_000)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
})

test('an engine that control revives stays down until control has decided', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', { ...creation, spec: { ...spec, revivedBy: 'control' } })
  await ended(agent, 'create')
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(120_000)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  assert.equal(agent.observed()[0]!.state, 'stopped')
})

test('a spec that was made before the last change of roles is refused', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', { ...creation, spec: { ...spec, generation: 3 } })
  await ended(agent, 'create')
  const old = { ...spec, generation: 2 }
  for (const kind of ['instance.reload', 'instance.restart', 'instance.start', 'instance.synchronize'] as const) {
    await agent.startJob(kind, kind, { spec: old })
    assert.equal(codeOf(await ended(agent, kind)), 'stale-spec', kind)
  }
  assert.ok(bench.engine.isRunning(bench.folder('db-A')))
})

test('a promotion that died with its agent is made again by the next one, also when the engine died too', async () => {
  const bench = new AgentBench()
  await withSeed(bench)
  const { agent, die } = await bench.dyingAgent()
  await agent.startJob('follow', 'instance.follow', { spec: { ...spec, replication: standby }, seedId: 'seed-1' })
  await ended(agent, 'follow')
  bench.engine.on('promote', () => {
    die()
    bench.engine.die(bench.folder('db-A'))
    return new Promise(() => {})
  })
  void agent.startJob('promote', 'instance.promote', { spec: { ...spec, replication: primary, generation: 2 } })
  await bench.clock.advance(0)
  bench.engine.on('promote', undefined)
  const next = await bench.agent()
  assert.deepEqual(await ended(next, 'promote'), { state: 'succeeded', result: { timeline: 2 } })
  assert.ok(bench.engine.isRunning(bench.folder('db-A')))
})

test('commits that wait in vain for a standby do so only as long as control is told in time', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', creation)
  await ended(agent, 'create')
  bench.engine.on(
    'awaitSynchronous',
    (signal) => new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error))),
  )
  await agent.startJob('sync', 'instance.synchronize', { spec: { ...spec, replication: primary } })
  const end = ended(agent, 'sync')
  await bench.clock.advance(60_000)
  assert.equal(codeOf(await end), 'failed')
})

test('a standby that is to take over does not wait until all its data has been copied', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  await agent.startJob('create', 'instance.create', creation)
  await ended(agent, 'create')
  await withSeed(bench)
  const following = { ...spec, replication: standby, generation: 2 }
  await agent.startJob('follow', 'instance.follow', { spec: following, seedId: 'seed-1' })
  assert.equal((await ended(agent, 'follow')).state, 'succeeded')
  bench.engine.on(
    'snapshot',
    (signal) => new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error))),
  )
  await agent.startJob('copy', 'instance.snapshot', { id: 'db-A', snapshotId: 'snap-1' })
  await agent.startJob('promote', 'instance.promote', {
    spec: { ...following, replication: primary, generation: 3 },
  })
  assert.equal((await ended(agent, 'promote')).state, 'succeeded')
  assert.equal(codeOf(agent.job('copy')), 'cancelled')
  assert.equal(await bench.volumes.snapshot('snap-1'), undefined)
})
