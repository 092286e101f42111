import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineError } from '#engine/engine.ts'
import { AgentBench, UP, created, creation, ended, run, seen, spec } from '../../../tests/support/agent-bench.ts'
import { specOf } from '../../../tests/support/scripted-engine.ts'

test('a new agent adopts what runs, starts what is to run, and leaves what is stopped', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  for (const id of ['db-B', 'db-C']) await run(agent, id, 'instance.create', { ...creation, spec: specOf(id) })
  await run(agent, 'stop', 'instance.stop', { id: 'db-C', mode: 'smart' })
  await agent.retire()
  bench.engine.volumes.get(bench.folder('db-B'))!.engine = undefined
  const pid = bench.engine.volumes.get(bench.folder('db-A'))!.engine!.pid
  const next = await bench.agent()
  const [a, b, c] = next.observed()
  assert.deepEqual([a!.pid, a!.state, a!.accepting], [pid, 'running', true])
  assert.equal(b!.state, 'starting')
  assert.equal(c!.state, 'stopped')
  await bench.clock.advance(1)
  assert.deepEqual(
    next.observed().map((instance) => instance.state),
    ['running', 'running', 'stopped'],
  )
})

test('an adopted engine that does not accept connections yet is starting until it does', async () => {
  const bench = new AgentBench()
  await (await created(bench)).retire()
  bench.engine.accepting = false
  const next = await bench.agent()
  assert.deepEqual(seen(next), { state: 'starting', accepting: false, crashes: 0 })
  bench.engine.accepting = true
  await bench.clock.advance(200)
  assert.deepEqual(seen(next), UP)
})

test('an engine that stops accepting connections is seen', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.accepting = false
  await bench.clock.advance(6_000)
  assert.deepEqual(seen(agent), { state: 'running', accepting: false, crashes: 0 })
})

test('an engine that dies is started again at once, and is never said to have failed meanwhile', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(1)
  assert.deepEqual(seen(agent), { ...UP, crashes: 1 })
  const states = bench.reports.flatMap((report) => (report.type === 'observed' ? [report.instance.state] : []))
  assert.ok(!states.includes('failed'))
  assert.deepEqual(states.slice(-3), ['stopped', 'starting', 'running'])
  assert.match((await bench.store.get('instance/db-A'))!.value, /"crashes":1/)
})

test('an engine that does not come up counts as failed after some attempts, and comes up when it can', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.on('start', () => {
    throw new EngineError('port-busy', 'port 5432 is in use')
  })
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(1_500)
  assert.equal(seen(agent)?.state, 'starting')
  await bench.clock.advance(120_000)
  assert.equal(seen(agent)?.state, 'failed')
  assert.equal(agent.observed()[0]?.lastError?.code, 'port-busy')
  bench.engine.on('start', undefined)
  await bench.clock.advance(60_000)
  assert.deepEqual(seen(agent), { ...UP, crashes: 1 })
})

for (const verb of ['start', 'configure'])
  test(`an engine whose ${verb} finds a full volume is given what was set aside of it, and else says that it is full`, async () => {
    const bench = new AgentBench()
    const agent = await created(bench)
    bench.ballasts = -1
    bench.engine.on(verb, () => {
      const isGiven = bench.ballasts === 0
      if (!isGiven) throw new EngineError('disk-full', 'No space left on device')
    })
    bench.engine.die(bench.folder('db-A'))
    await bench.clock.advance(1)
    assert.equal(seen(agent)?.state, 'starting')
    assert.equal(agent.observed()[0]?.lastError?.code, 'disk-full')
    await bench.clock.advance(120_000)
    assert.equal(seen(agent)?.state, 'failed')
    bench.ballasts = 1
    await bench.clock.advance(5_000)
    assert.deepEqual(seen(agent), { ...UP, crashes: 1 })
    assert.equal(agent.observed()[0]?.lastError, undefined)
  })

test('deaths in quick succession slow the next start down, a long life does not', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const die = async (): Promise<void> => {
    bench.engine.die(bench.folder('db-A'))
    await bench.clock.advance(1)
  }
  await die()
  await die()
  assert.equal(seen(agent)?.state, 'starting')
  await bench.clock.advance(1_000)
  assert.equal(seen(agent)?.state, 'running')
  await bench.clock.advance(120_000)
  await die()
  assert.equal(seen(agent)?.state, 'running')
})

test('stopping does not wait for an engine that is being started in vain', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  bench.engine.on('start', (signal) => {
    return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('killed'))))
  })
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(1)
  assert.equal((await run(agent, 'stop', 'instance.stop', { id: 'db-A', mode: 'fast' })).state, 'succeeded')
  await bench.clock.advance(120_000)
  assert.deepEqual(seen(agent), { state: 'stopped', accepting: false, crashes: 1 })
  assert.equal(agent.idle, true)
})

test('a restart takes the new spec; one that the engine refuses is not tried again until the settings change', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const newer = { ...spec, version: '17.11' }
  assert.equal((await run(agent, 'newer', 'instance.restart', { spec: newer })).state, 'succeeded')
  assert.equal(agent.observed()[0]?.version, '17.11')
  bench.engine.on('start', () => {
    throw new EngineError('bad-settings', 'invalid value for parameter "work_mem"')
  })
  const bad = { ...newer, settings: { work_mem: 'x' } }
  const view = await run(agent, 'bad', 'instance.restart', { spec: bad })
  assert.equal(view.state === 'failed' && view.error.code, 'bad-settings')
  bench.engine.calls.length = 0
  await bench.clock.advance(600_000)
  assert.deepEqual(bench.engine.calls, [])
  assert.deepEqual([seen(agent)?.state, agent.observed()[0]?.lastError?.code], ['failed', 'bad-settings'])
  bench.engine.on('start', undefined)
  assert.equal((await run(agent, 'undo', 'instance.reload', { spec: newer })).state, 'succeeded')
  await bench.clock.advance(1)
  assert.deepEqual(seen(agent), UP)
})

test('a stopped instance that cannot be started stays stopped', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  await run(agent, 'stop', 'instance.stop', { id: 'db-A', mode: 'fast' })
  bench.engine.on('start', () => {
    throw new EngineError('port-busy', 'port 5432 is in use')
  })
  const view = await run(agent, 'start', 'instance.start', { spec })
  assert.equal(view.state === 'failed' && view.error.code, 'port-busy')
  bench.engine.on('start', undefined)
  await bench.clock.advance(600_000)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
})

test('a shutdown stops engines in order, interrupts jobs, and the next agent takes both up again', async () => {
  const bench = new AgentBench()
  const agent = await created(bench)
  const begun = Promise.withResolvers<void>()
  bench.engine.on('start', (signal) => {
    begun.resolve()
    return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Error('killed'))))
  })
  await agent.startJob('other', 'instance.create', { ...creation, spec: specOf('db-B') })
  await begun.promise
  await agent.shutDown()
  assert.equal(bench.engine.calls.at(-1), 'stop fast')
  assert.deepEqual(
    [...bench.engine.volumes.values()].map((volume) => volume.engine),
    [undefined],
  )
  bench.engine.on('start', undefined)
  const next = await bench.agent()
  assert.equal((await ended(next, 'other')).state, 'succeeded')
  await bench.clock.advance(1)
  assert.deepEqual(
    next.observed().map((instance) => instance.state),
    ['running', 'running'],
  )
})
