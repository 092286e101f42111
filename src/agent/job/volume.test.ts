import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VolumeDiverged } from '#engine/volume-engine.ts'
import type { InstanceSpec, JobView } from '#wire/agent/messages.ts'
import type { VolumeAttachment } from '#wire/agent/volume.ts'
import { AgentBench, ended, master, run, spec } from '../../../tests/support/agent-bench.ts'
import type { ToHead } from '#wire/head/messages.ts'
import type { Agent } from '../agent.ts'
import { HEAD_PAUSES_MS } from '../limits.ts'

const attachment: VolumeAttachment = {
  id: 'cluster-1',
  role: 'reader',
  name: 'db-A',
  identifier: 'shop-1',
  feeds: [{ host: '127.0.0.1', port: 6_001 }],
  login: { password: 'secret', caPem: 'ca' },
  isOpen: true,
}
const reader: InstanceSpec = { ...spec, revivedBy: 'control', volume: attachment }
const writer = (epoch: number): InstanceSpec => ({
  ...reader,
  volume: {
    ...attachment,
    role: 'writer',
    head: { epoch, configuration: { generation: 1, members: ['a1'] }, places: [], tls: spec.tls },
  },
})
const image = { snapshotId: 'seed', making: 'm1' }
const seeding = { snapshotId: 'seed', engine: 'postgres', version: '17.10', master, databaseName: 'shop' } as const

const codeOf = (view: JobView): string => (view.state === 'failed' ? view.error.code : view.state)

const STREAMING = { isWriter: false, epoch: 1, isStreaming: true }

async function attached(bench: AgentBench): Promise<Agent> {
  const agent = await bench.agent()
  bench.engine.observedVolume = STREAMING
  assert.equal((await run(agent, 'seed', 'volume.seed', seeding)).state, 'succeeded')
  assert.equal(codeOf(await run(agent, 'attach', 'instance.attach', { spec: reader, image })), 'succeeded')
  return agent
}

/** Lets what is due happen until the head, the latest of so many, has been told this. */
async function told(bench: AgentBench, what: ToHead['type'], heads = 1): Promise<void> {
  const isTold = (): boolean => bench.heads.all[heads - 1]?.told.includes(what) === true
  for (let turns = 0; turns < 50 && !isTold(); turns++) await bench.clock.advance(HEAD_PAUSES_MS[1])
  assert.ok(isTold(), `the head was told to ${what}`)
}

/** Leads, with a head that does as that of a healthy volume. */
async function led(bench: AgentBench, agent: Agent, epoch = 5): Promise<JobView> {
  const heads = bench.heads.all.length + 1
  await agent.startJob(`lead-${epoch}`, 'instance.lead', { spec: writer(epoch) })
  await told(bench, 'release', heads)
  bench.heads.last!.say({ phase: 'ready', recoveredEnd: 1_000 })
  await told(bench, 'attach', heads)
  bench.heads.last!.say({ phase: 'open', isAttached: true })
  return ended(agent, `lead-${epoch}`)
}

test('a seed image is a snapshot that says with which log a volume begins, and is made once', async () => {
  const bench = new AgentBench()
  const agent = await bench.agent()
  const first = await run(agent, 'seed', 'volume.seed', seeding)
  assert.ok(first.state === 'succeeded')
  assert.deepEqual(first.result, await bench.volumes.snapshot('seed'))
  assert.deepEqual((await run(agent, 'again', 'volume.seed', seeding)) as unknown, first)
  assert.equal(bench.engine.calls.filter((call) => call === 'seed').length, 1)
})

test('a reader is made from an image once for each order, and the image stays', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const attaching = (): number => bench.engine.calls.filter((call) => call.startsWith('attach')).length
  assert.equal(attaching(), 1)
  await run(agent, 'again', 'instance.attach', { spec: reader, image })
  assert.equal(attaching(), 1)
  const anew = { snapshotId: 'seed', making: 'm2' }
  assert.equal(codeOf(await run(agent, 'anew', 'instance.attach', { spec: reader, image: anew })), 'succeeded')
  assert.equal(attaching(), 2)
  assert.ok(await bench.volumes.snapshot('seed'))
  const other = { snapshotId: 'none', making: 'm3' }
  const missing = await run(agent, 'none', 'instance.attach', { spec: reader, image: other })
  assert.equal(codeOf(missing), 'snapshot-missing')
})

test('a later image is made of an earlier one, and where that fails nothing of it is left', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const order = { from: 'seed', engine: 'postgres', version: '17.10', volume: attachment, until: 100 } as const
  const made = await run(agent, 'one', 'volume.image', { ...order, snapshotId: 'later' })
  assert.ok(made.state === 'succeeded')
  assert.deepEqual(made.result, await bench.volumes.snapshot('later'))
  const verb = `image ${bench.volumes.snapshotFolder('seed')} 100`
  assert.equal(bench.engine.calls.at(-1), verb)
  bench.engine.on(verb, () => {
    throw new Error('it was killed')
  })
  assert.equal(codeOf(await run(agent, 'two', 'volume.image', { ...order, snapshotId: 'half' })), 'failed')
  assert.equal(await bench.volumes.snapshot('half'), undefined)
  assert.ok((await bench.volumes.snapshot('seed')) && (await bench.volumes.snapshot('later')))
  const missing = await run(agent, 'three', 'volume.image', { ...order, snapshotId: 'none', from: 'half' })
  assert.equal(codeOf(missing), 'snapshot-missing')
})

test('another volume begins with an image and the log up to a checkpoint, and is told when the image goes meanwhile', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const folder = bench.volumes.snapshotFolder('seed')
  const from = { branch: { imageId: 'seed', volume: attachment, until: 100 } }
  const made = await run(agent, 'clone', 'volume.seed', { ...seeding, snapshotId: 'clone', from })
  assert.equal(made.state, 'succeeded')
  assert.deepEqual(bench.engine.calls.slice(-2), [`branch ${folder} 100`, 'seed'])
  bench.engine.on(`branch ${folder} 100`, async () => {
    await bench.volumes.removeSnapshot('seed')
    throw new Error('ENOENT')
  })
  const late = await run(agent, 'late', 'volume.seed', { ...seeding, snapshotId: 'late', from })
  assert.deepEqual([codeOf(late), await bench.volumes.snapshot('late')], ['snapshot-missing', undefined])
})

test('an image that goes while a reader is made of it is told apart from other failures', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const folder = bench.volumes.snapshotFolder('seed')
  bench.engine.on(`attach ${folder}`, async () => {
    await bench.volumes.removeSnapshot('seed')
    throw new Error('ENOENT')
  })
  const anew = { spec: reader, image: { ...image, making: 'm2' } }
  assert.equal(codeOf(await run(agent, 'anew', 'instance.attach', anew)), 'snapshot-missing')
})

test('the writer is asked for a checkpoint', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  assert.deepEqual(await agent.ask('instance.checkpoint', { id: 'db-A', since: 7 }), { at: 160 })
  assert.equal(bench.engine.calls.at(-1), 'checkpoint 7')
})

test('who leads is closed before more of the log is released to it, and opened once the epoch is', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const before = bench.engine.calls.length
  await agent.startJob('lead', 'instance.lead', { spec: writer(5) })
  await told(bench, 'release')
  const closing = ['configure', 'reload', 'endSessions']
  assert.deepEqual(bench.engine.calls.slice(before), closing)
  assert.equal(bench.heads.last!.spec.epoch, 5)
  bench.heads.last!.say({ phase: 'ready', recoveredEnd: 1_000 })
  await told(bench, 'attach')
  assert.deepEqual(bench.engine.calls.slice(before + closing.length), ['awaitLog 1000', 'lead 5'])
  assert.equal(bench.engine.volumes.get(bench.folder('db-A'))!.conf!.volume!.isOpen, false)
  bench.heads.last!.say({ phase: 'open', isAttached: true })
  const view = await ended(agent, 'lead')
  assert.deepEqual(view, { state: 'succeeded', result: bench.engine.started })
  assert.equal(bench.engine.volumes.get(bench.folder('db-A'))!.conf!.volume!.isOpen, true)
  // Asked for again, by a flow that does not know: nobody is thrown out.
  const calls = bench.engine.calls.length
  assert.equal(codeOf(await run(agent, 'again', 'instance.lead', { spec: writer(5) })), 'succeeded')
  assert.deepEqual(bench.engine.calls.slice(calls), ['awaitLog 1000', 'lead 5'])
})

test('the head of an engine that has to be started first comes up with it, and goes when that fails', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await run(agent, 'stop', 'instance.stop', { id: spec.id, mode: 'fast' })
  const starting = Promise.withResolvers<void>()
  bench.engine.on('start', () => starting.promise)
  await agent.startJob('lead-5', 'instance.lead', { spec: writer(5) })
  await told(bench, 'reconfigure')
  assert.equal(bench.engine.isRunning(bench.folder(spec.id)), false)
  const ends = bench.heads.ends.length
  starting.reject(new Error('no room'))
  assert.equal((await ended(agent, 'lead-5')).state, 'failed')
  assert.equal(bench.heads.ends.length, ends + 1)
  bench.engine.on('start', undefined)
  await agent.shutDown()
})

test('a head that is fenced before its engine runs ends it as soon as it does', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await run(agent, 'stop', 'instance.stop', { id: spec.id, mode: 'fast' })
  const starting = Promise.withResolvers<void>()
  bench.engine.on('start', () => starting.promise)
  await agent.startJob('lead-5', 'instance.lead', { spec: writer(5) })
  await told(bench, 'reconfigure')
  bench.heads.last!.say({ phase: 'fenced', reason: 'epoch 6 has begun' })
  starting.resolve()
  assert.equal(codeOf(await ended(agent, 'lead-5')), 'fenced')
  await bench.clock.advance(60_000)
  assert.equal(bench.engine.isRunning(bench.folder(spec.id)), false)
  assert.equal(bench.heads.all.length, 1)
})

test('a fenced head ends the engine at once, in the middle of taking over and later, and is not started again', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await agent.startJob('lead', 'instance.lead', { spec: writer(5) })
  await told(bench, 'release')
  bench.heads.last!.say({ phase: 'fenced', reason: 'epoch 6 has begun' })
  const view = await ended(agent, 'lead')
  assert.equal(codeOf(view), 'fenced')
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  await bench.clock.advance(60_000)
  assert.equal(bench.heads.all.length, 1)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)

  assert.equal(codeOf(await run(agent, 'follow', 'instance.attach', { spec: reader, image: undefined })), 'succeeded')
  assert.equal(codeOf(await led(bench, agent, 7)), 'succeeded')
  bench.heads.last!.say({ phase: 'fenced', reason: 'no word from enough members' })
  await bench.clock.advance(0)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  await bench.clock.advance(60_000)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  assert.equal(bench.heads.all.length, 2)
})

test('a head that dies alone is started again in its epoch, and told what the last one was', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  const [first] = bench.heads.all
  first!.die()
  await bench.clock.advance(HEAD_PAUSES_MS[0])
  const second = bench.heads.last!
  assert.notEqual(second, first)
  assert.deepEqual([second.spec.epoch, second.spec.writerStart], [5, bench.engine.started.start])
  assert.equal(first!.spec.writerStart, undefined)
  assert.deepEqual(second.told, ['certify', 'reconfigure', 'release'])
  second.say({ phase: 'ready', recoveredEnd: 2_000 })
  assert.deepEqual(second.told, ['certify', 'reconfigure', 'release', 'attach'])
  assert.ok(bench.engine.isRunning(bench.folder('db-A')))
})

test('members that change are told to the head that runs', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  const changed = writer(5)
  const configuration = { generation: 2, members: ['a1'], joint: ['a3'] }
  const volume = { ...changed.volume!, head: { ...changed.volume!.head!, configuration } }
  await run(agent, 'reload', 'instance.reload', { spec: { ...changed, volume } })
  assert.equal(bench.heads.last!.told.filter((type) => type === 'reconfigure').length, 2)
  assert.equal(bench.heads.all.length, 1)
})

test('the end of the engine is that of its head, and a reader has none', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  const ends = bench.heads.ends.length
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(0)
  assert.equal(bench.heads.ends.length, ends + 1)
  await run(agent, 'follow', 'instance.attach', { spec: reader, image: undefined })
  await bench.clock.advance(60_000)
  assert.equal(bench.heads.all.length, 1)
})

test('an agent that finds a writer without a head starts one, which hears where the writer is', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  bench.heads.last!.die()
  await agent.retire()
  bench.engine.observedVolume = { isWriter: true, epoch: 5, isStreaming: false, started: bench.engine.started }
  const next = await bench.agent()
  await told(bench, 'reconfigure', 2)
  bench.heads.last!.say({ phase: 'ready', recoveredEnd: 2_000 })
  await told(bench, 'attach', 2)
  await next.shutDown()
  assert.equal(bench.engine.calls.at(-1), 'stop fast')
})

test('a writer that is to follow is stopped first, a reader is only told', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  bench.engine.observedVolume = { isWriter: true, epoch: 5, isStreaming: false }
  const before = bench.engine.calls.length
  bench.engine.on('start', () => {
    bench.engine.observedVolume = STREAMING
  })
  await run(agent, 'follow', 'instance.attach', { spec: reader, image: undefined })
  const opening = ['configure', 'reload']
  assert.deepEqual(bench.engine.calls.slice(before), ['stop fast', 'configure', 'start', ...opening])
  await run(agent, 'again', 'instance.attach', { spec: reader, image: undefined })
  assert.deepEqual(bench.engine.calls.slice(before + 5), ['configure', 'reload'])
})

test('an engine that has what the log does not is not promoted, and its end is told apart', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  bench.engine.on('awaitLog 1000', () => {
    throw new VolumeDiverged('beyond')
  })
  await agent.startJob('lead', 'instance.lead', { spec: writer(5) })
  await told(bench, 'release')
  bench.heads.last!.say({ phase: 'ready', recoveredEnd: 1_000 })
  assert.equal(codeOf(await ended(agent, 'lead')), 'diverged')
  assert.ok(!bench.engine.calls.includes('lead 5'))
})

test('what the engine says of the others is what it was told last', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  const replica = { serverId: 'shop-1', isWriter: true, sessionId: 's', seenAt: 1 }
  assert.deepEqual(await agent.ask('instance.tell-replicas', { id: 'db-A', replicas: [replica] }), {})
  assert.equal(bench.engine.calls.at(-1), 'tellReplicas 1')
})

test('what was a writer lets nobody in before it is known to follow', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(0)
  const isOpen = (): boolean => bench.engine.volumes.get(bench.folder('db-A'))!.conf!.volume!.isOpen
  const follow = async (id: string): Promise<string> => {
    await agent.startJob(id, 'instance.attach', { spec: reader, image: undefined })
    await bench.clock.advance(60_000)
    return codeOf(await ended(agent, id))
  }
  bench.engine.observedVolume = { isWriter: false, epoch: 5, isStreaming: false }
  assert.equal(await follow('silent'), 'failed')
  assert.equal(isOpen(), false)
  bench.engine.observedVolume = { isWriter: false, epoch: 5, isStreaming: false, obstacle: 'diverged' }
  assert.equal(await follow('ahead'), 'diverged')
  for (const kind of ['instance.start', 'instance.restart'] as const)
    assert.equal(codeOf(await run(agent, kind, kind, { spec: reader })), 'failed')
  assert.equal(isOpen(), false)
  bench.engine.observedVolume = STREAMING
  assert.equal(await follow('follows'), 'succeeded')
  assert.equal(isOpen(), true)
})

test('a writer is started by leading an epoch, and in no other way', async () => {
  const bench = new AgentBench()
  const agent = await attached(bench)
  await led(bench, agent)
  const { revivedBy: _, ...forgotten } = writer(5)
  await run(agent, 'reload', 'instance.reload', { spec: forgotten })
  bench.engine.die(bench.folder('db-A'))
  await bench.clock.advance(60_000)
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
  for (const kind of ['instance.start', 'instance.restart'] as const)
    assert.equal(codeOf(await run(agent, kind, kind, { spec: writer(5) })), 'failed')
  assert.equal(bench.engine.isRunning(bench.folder('db-A')), false)
})
