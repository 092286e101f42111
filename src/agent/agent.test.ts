import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '#engine/engine.ts'
import type { Store } from '#store/store.ts'
import {
  AgentBench,
  UP,
  bound,
  created,
  creation,
  ended,
  master,
  run,
  seen,
  spec,
} from '../../tests/support/agent-bench.ts'
import { specOf } from '../../tests/support/scripted-engine.ts'

test('creating makes, configures, starts and fills a database, and a second start of the job does nothing', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  assert.deepEqual(agent.job('create'), { state: 'absent' })
  const same = [
    agent.startJob('create', 'instance.create', creation),
    agent.startJob('create', 'instance.create', creation),
  ]
  await Promise.all(same)
  assert.deepEqual(await ended(agent, 'create'), { state: 'succeeded', result: {} })
  await agent.startJob('create', 'instance.create', creation)
  assert.deepEqual(bench.engine.calls, ['initialize', 'configure', 'seal', 'start', 'bootstrap'])
  assert.deepEqual(seen(agent), UP)
  const states = bench.reports.flatMap((report) => (report.type === 'observed' ? [report.instance.state] : []))
  assert.deepEqual(states, ['stopped', 'starting', 'running'])
})

test('creating what is there already, by another job, leaves it alone', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const { pid } = agent.observed()[0]!
  await agent.forgetJobs('create')
  assert.equal((await run(agent, 'create', 'instance.create', creation)).state, 'succeeded')
  assert.equal(agent.observed()[0]?.pid, pid)
  assert.deepEqual(bench.engine.calls.length, 5)
})

test('verifiers and keys are in the table only while the job needs them', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  const held = Promise.withResolvers<void>()
  bench.engine.on('bootstrap', () => held.promise)
  await agent.startJob('create', 'instance.create', creation)
  assert.match(await bench.storedText(), /very secret/)
  held.resolve()
  await ended(agent, 'create')
  assert.doesNotMatch(await bench.storedText(), /very secret/)
  const job = await bench.store.get('job/create')
  assert.doesNotMatch(job!.value, /very private/)
})

for (const [verb, error, code] of [
  ['initialize', Object.assign(new Error('write'), { code: 'ENOSPC' }), 'disk-full'],
  ['seal', new Error('fsync', { cause: Object.assign(new Error('write'), { code: 'ENOSPC' }) }), 'disk-full'],
  ['start', new EngineError('bad-settings', 'no such setting'), 'bad-settings'],
  ['start', new EngineError('port-busy', 'port 5432 is in use'), 'port-busy'],
  ['bootstrap', new Error('open /var/lib/holdfast/x: EIO'), 'failed'],
] as const) {
  test(`a creation that fails in ${verb} with ${code} leaves nothing behind`, async () => {
    const bench = new AgentBench()
    const agent = await bench.agent()
    bench.engine.on(verb, () => {
      throw error
    })
    const view = await run(agent, 'create', 'instance.create', creation)
    assert.equal(view.state === 'failed' && view.error.code, code)
    assert.doesNotMatch(JSON.stringify(view), /var\/lib/)
    assert.equal(bench.engine.volumes.size, 0)
    assert.deepEqual(agent.observed(), [])
    assert.deepEqual(
      bench.reports.find((report) => report.type === 'gone'),
      { type: 'gone', id: 'db-A' },
    )
    assert.equal(await bench.store.get('instance/db-A'), undefined)
  })
}

test('a cancelled job ends as cancelled before cancelling resolves, and can be dropped', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  const begun = Promise.withResolvers<void>()
  bench.engine.on('start', (signal) => {
    begun.resolve()
    return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('killed'))))
  })
  await agent.startJob('flow/create', 'instance.create', creation)
  await agent.startJob('flow/stop', 'instance.stop', { id: 'db-A', mode: 'fast' })
  await begun.promise
  await agent.forgetJobs('flow/')
  assert.equal(agent.job('flow/create').state, 'running')
  await agent.cancelJobs('flow/')
  for (const id of ['flow/create', 'flow/stop']) {
    const view = agent.job(id)
    assert.equal(view.state === 'failed' && view.error.code, 'cancelled')
  }
  assert.equal(bench.engine.volumes.size, 0)
  await agent.forgetJobs('flow/')
  assert.deepEqual(agent.job('flow/create'), { state: 'absent' })
  assert.equal((await bench.store.range('job/')).entries.length, 0)
})

test('jobs on one instance run one after the other, jobs on two at once', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const held = Promise.withResolvers<void>()
  bench.engine.on('snapshot', () => held.promise)
  await agent.startJob('snap', 'instance.snapshot', { id: 'db-A', snapshotId: 's1' })
  await agent.startJob('stop', 'instance.stop', { id: 'db-A', mode: 'fast' })
  const other = { ...creation, spec: specOf('db-B', { port: 5433 }) }
  assert.equal((await run(agent, 'other', 'instance.create', other)).state, 'succeeded')
  assert.equal(agent.job('stop').state, 'running')
  assert.equal(bench.engine.calls.includes('stop fast'), false)
  held.resolve()
  assert.equal((await ended(agent, 'stop')).state, 'succeeded')
  assert.deepEqual(agent.job('snap'), { state: 'succeeded', result: { sizeBytes: 42, engineVersion: '17.10' } })
})

test('a job that an earlier agent left running is run again, and what it had made is removed first', async () => {
  const bench = new AgentBench()
  const { agent, die } = await bench.dyingAgent()
  const reached = Promise.withResolvers<void>()
  bench.engine.on('bootstrap', () => {
    reached.resolve()
    return new Promise(() => {})
  })
  await agent.startJob('create', 'instance.create', creation)
  await reached.promise
  die()
  bench.engine.on('bootstrap', undefined)
  bench.engine.calls.length = 0
  const next = await bench.agent()
  assert.deepEqual(await ended(next, 'create'), { state: 'succeeded', result: {} })
  assert.deepEqual(bench.engine.calls.slice(0, 2), ['stop immediate', 'initialize'])
  assert.deepEqual(seen(next), UP)
})

test('a job that is cancelled as soon as the next agent is there still removes what it had made', async () => {
  const bench = new AgentBench()
  const { agent, die } = await bench.dyingAgent()
  const reached = Promise.withResolvers<void>()
  bench.engine.on('bootstrap', () => {
    reached.resolve()
    return new Promise(() => {})
  })
  await agent.startJob('create', 'instance.create', creation)
  await reached.promise
  die()
  const next = await bench.agent()
  await next.cancelJobs('create')
  assert.equal(next.job('create').state, 'failed')
  assert.equal(bench.engine.volumes.size, 0)
})

test('the end of a job that the store refuses is written later, and seen only then', async () => {
  const bench = new AgentBench()
  let full = false
  const store: Store = {
    ...bound(bench.store),
    commit: (...args) => (full ? Promise.reject(new Error('disk full')) : bench.store.commit(...args)),
  }
  const agent = await bench.agent(store)
  bench.engine.on('bootstrap', () => void (full = true))
  await agent.startJob('create', 'instance.create', creation)
  await bench.clock.advance(5_000)
  assert.equal(agent.job('create').state, 'running')
  await assert.rejects(agent.startJob('another', 'instance.remove', { id: 'x' }), /disk full/)
  assert.deepEqual(agent.job('another'), { state: 'absent' })
  full = false
  await bench.clock.advance(5_000)
  assert.equal(agent.job('create').state, 'succeeded')
  assert.ok(bench.log.lines.some((line) => line.level === 'error'))
})

test('starting what runs with the same spec does nothing, with another spec it restarts', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.calls.length = 0
  await run(agent, 'same', 'instance.start', { spec: { ...spec } })
  assert.deepEqual(bench.engine.calls, [])
  await run(agent, 'other', 'instance.start', { spec: { ...spec, port: 6000 } })
  assert.deepEqual(bench.engine.calls, ['stop fast', 'configure', 'start'])
})

test('reloading says which settings wait for a restart, also when the instance is stopped', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const changed = { ...spec, settings: { shared_buffers: '256MB' } }
  const view = await run(agent, 'reload', 'instance.reload', { spec: changed })
  assert.deepEqual(view, { state: 'succeeded', result: { pendingRestart: ['shared_buffers'] } })
  assert.deepEqual(agent.observed()[0]?.pendingRestart, ['shared_buffers'])
  await run(agent, 'stop', 'instance.stop', { id: 'db-A', mode: 'fast' })
  assert.deepEqual(await run(agent, 'again', 'instance.reload', { spec }), {
    state: 'succeeded',
    result: { pendingRestart: [] },
  })
})

test('a password is set on a running instance only', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const input = { id: 'db-A', master: { ...master, name: 'other' } }
  assert.equal((await run(agent, 'set', 'instance.set-password', input)).state, 'succeeded')
  assert.equal(bench.engine.volumes.get(bench.folder('db-A'))?.master, 'other')
  await run(agent, 'stop', 'instance.stop', { id: 'db-A', mode: 'fast' })
  assert.equal((await run(agent, 'again', 'instance.set-password', input)).state, 'failed')
})

test('snapshots are made, copied, restored from and removed', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const facts = { sizeBytes: 42, engineVersion: '17.10' }
  const make = await run(agent, 'make', 'instance.snapshot', { id: 'db-A', snapshotId: 's1' })
  assert.deepEqual(make, { state: 'succeeded', result: facts })
  const copy = await run(agent, 'copy', 'snapshot.copy', { snapshotId: 's1', targetId: 's2' })
  assert.deepEqual(copy, { state: 'succeeded', result: facts })
  await run(agent, 'remove', 'snapshot.remove', { snapshotId: 's1' })
  const from = (snapshotId: string): { spec: typeof spec; snapshotId: string; master: typeof master } => ({
    spec: specOf('db-R'),
    snapshotId,
    master,
  })
  const missing = await run(agent, 'r1', 'instance.restore', from('s1'))
  assert.equal(missing.state === 'failed' && missing.error.code, 'snapshot-missing')
  assert.equal((await run(agent, 'r2', 'instance.restore', from('s2'))).state, 'succeeded')
  assert.equal(bench.engine.volumes.get(bench.folder('db-R'))?.master, 'app')
})

test('a snapshot that fails is not there', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.on('snapshot', () => {
    throw Object.assign(new Error('copy'), { code: 'ENOSPC' })
  })
  const view = await run(agent, 'make', 'instance.snapshot', { id: 'db-A', snapshotId: 's1' })
  assert.equal(view.state === 'failed' && view.error.code, 'disk-full')
  assert.equal(await bench.volumes.snapshot('s1'), undefined)
  assert.deepEqual(seen(agent), UP)
})

test('removing stops the engine and deletes everything, twice if need be', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  assert.equal((await run(agent, 'remove', 'instance.remove', { id: 'db-A' })).state, 'succeeded')
  assert.deepEqual(agent.observed(), [])
  assert.equal(bench.engine.volumes.size, 0)
  assert.equal((await bench.store.range('instance/')).entries.length, 0)
  assert.equal((await run(agent, 'again', 'instance.remove', { id: 'db-A' })).state, 'succeeded')
  assert.equal(agent.idle, true)
})

test('jobs on an instance that is not there say so', async () => {
  const agent = await new AgentBench().agent()
  const view = await run(agent, 'stop', 'instance.stop', { id: 'db-X', mode: 'fast' })
  assert.equal(view.state === 'failed' && view.error.code, 'instance-missing')
})

test('questions are answered at once', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  assert.equal((await agent.ask('logs.list', { id: 'db-A' })).files[0]?.name, 'postgresql.log')
  const portion = { id: 'db-A', offset: 0, bytesMax: 100 }
  assert.deepEqual(await agent.ask('logs.read', { ...portion, name: 'other.log' }), { missing: true })
  const facts = await agent.ask('host.facts', {})
  assert.deepEqual([facts.az, facts.engines.postgres], ['a', ['17.10']])
  await assert.rejects(agent.ask('logs.list', { id: 'db-X' }), /does not have this instance/)
})

test('preparing an engine shows its progress', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  const view = await run(agent, 'prepare', 'engine.prepare', { engine: 'postgres', version: '16.9' })
  assert.deepEqual(view, { state: 'succeeded', result: { fetched: true } })
  const views = bench.reports.flatMap((report) => (report.type === 'job' ? [report.view] : []))
  assert.deepEqual(views[1], { state: 'running', progress: 'fetching' })
})
