/**
 * An agent's jobs on real engines of a volume: seed, attach, lead, a failover, and a head that is lost. The log is in memory,
 * and heads live in this process. Runs with `--minutes`: drivers and jobs have tests of their own.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createAgent, type Agent } from '#agent/agent.ts'
import { diskVolumes } from '#agent/disk-volumes.ts'
import type { HeadProcess, HeadProcesses } from '#agent/head-process.ts'
import type { Volumes } from '#agent/volumes.ts'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { memoryStore } from '#store/memory-store.ts'
import { scramVerifier } from '#trust/scram.ts'
import type { HeadSpec, HeadStatus } from '#wire/head/messages.ts'
import type { InstanceSpec, JobView, SnapshotFacts } from '#wire/agent/messages.ts'
import { SEED_LOG, type VolumeAttachment } from '#wire/agent/volume.ts'
import { ended } from '../support/agent-bench.ts'
import { eventually } from '../support/eventually.ts'
import { HeldLog } from '../support/held-log.ts'
import { openPostgresBench, type PostgresBench } from '../support/postgres-bench.ts'
import { openFeed, type TestFeed } from '../support/volume-feed.ts'
import { headOf, type TestHead } from '../support/volume-instances.ts'

const skip = process.env['HOLDFAST_FAULT_MINUTES'] === undefined && 'a long test: --minutes'

/** One head at a time for each instance, which finds the log as long as it is, and takes what the writer writes. */
class Heads implements HeadProcesses {
  log: HeldLog | undefined
  readonly running = new Map<string, { die(): Promise<void>; fence(): void }>()
  private readonly bench: PostgresBench
  private readonly folderOf: (instance: string) => string

  constructor(bench: PostgresBench, folderOf: (instance: string) => string) {
    this.bench = bench
    this.folderOf = folderOf
  }

  async run(instance: string, { epoch, writerStart }: HeadSpec): Promise<HeadProcess> {
    const log = this.log!
    const gone = Promise.withResolvers<void>()
    let head: TestHead | undefined
    let listener: ((status: HeadStatus) => void) | undefined
    const nothing = { generation: 1, configured: 1, isAttached: false, reason: undefined, members: [] }
    let status: HeadStatus = { epoch, phase: 'ready', recoveredEnd: log.end, ...nothing }
    const say = (change: Partial<HeadStatus>): void => listener?.((status = { ...status, ...change }))
    const attach = async (): Promise<void> => {
      head = await headOf(this.bench, { folder: this.folderOf(instance) }, log, {
        epoch,
        start: writerStart ?? log.end,
      })
      say({ phase: 'open', isAttached: true })
    }
    const die = async (): Promise<void> => {
      await head?.close()
      this.running.delete(instance)
      gone.resolve()
    }
    this.running.set(instance, { die, fence: () => say({ phase: 'fenced', reason: 'another epoch' }) })
    return {
      pid: process.pid,
      ended: gone.promise,
      onStatus(told) {
        listener = told
        told(status)
      },
      tell: ({ type }) => (type === 'attach' ? void attach().catch(() => die()) : undefined),
      leave: () => (listener = undefined),
    }
  }

  async end(instance: string): Promise<void> {
    await this.running.get(instance)?.die()
  }
}

let bench: PostgresBench
let volumes: Volumes
let heads: Heads
let agent: Agent
let feed: TestFeed | undefined

before(async () => {
  if (skip) return
  bench = await openPostgresBench()
  const { account } = bench.surroundings
  const [host, snapshots] = [join(bench.root, 'host'), join(bench.root, 'snapshots')]
  volumes = await diskVolumes({ host, snapshots, account, clock: systemClock, makesVolumes: false })
  heads = new Heads(bench, (id) => volumes.instanceFolder(id))
  const drivers = { postgres: bench.driver }
  const parts = { store: memoryStore(systemClock), clock: systemClock, log: memoryLog() }
  agent = await createAgent({ az: 'a', drivers, volumes, heads, probes: true, ...parts })
})
after(async () => {
  if (skip) return
  await agent.shutDown()
  await feed?.close()
  await bench.close()
})

let jobs = 0
async function run(
  ...[kind, input]: [Parameters<Agent['startJob']>[1], Parameters<Agent['startJob']>[2]]
): Promise<JobView> {
  const id = `job-${++jobs}`
  await agent.startJob(id, kind, input)
  return ended(agent, id)
}
const done = async (...job: Parameters<typeof run>): Promise<unknown> => {
  const view = await run(...job)
  assert.ok(view.state === 'succeeded', JSON.stringify(view))
  return view.result
}

test('a volume is seeded, led, read, failed over, and survives the loss of a head', { skip }, async () => {
  const seeding = { snapshotId: 'seed', engine: 'postgres', version: '18.4', master: bench.master } as const
  const { seed } = (await done('volume.seed', { ...seeding, databaseName: 'shop' })) as SnapshotFacts
  const log = new HeldLog(seed!.start, { epoch: 1, systemId: seed!.systemId })
  log.append(readFileSync(join(volumes.snapshotFolder('seed'), SEED_LOG)))
  heads.log = log
  const verifier = await scramVerifier('secret', { salt: systemRandom.bytes(16) })
  feed = await openFeed(bench, log, { admit: () => ({ verifier, source: log }) })

  const { port } = feed
  const attachment = (id: string, more: Partial<VolumeAttachment>): VolumeAttachment => ({
    id: 'cluster-1',
    role: 'reader',
    name: id,
    identifier: id,
    feeds: [{ host: '127.0.0.1', port }],
    login: { password: 'secret', caPem: bench.caPem },
    isOpen: true,
    ...more,
  })
  const specs = new Map<string, InstanceSpec>()
  for (const id of ['one', 'two']) specs.set(id, await bench.spec({ id, version: '18.4', revivedBy: 'control' }))
  const reading = (id: string): InstanceSpec => ({ ...specs.get(id)!, volume: attachment(id, {}) })
  const writing = (id: string, epoch: number): InstanceSpec => {
    const configuration = { generation: 1, members: ['a1'] }
    const head = { epoch, configuration, places: [], tls: specs.get(id)!.tls }
    return { ...specs.get(id)!, volume: attachment(id, { role: 'writer', head }) }
  }

  await done('instance.attach', { spec: reading('one'), image: { snapshotId: 'seed', making: 'm1' } })
  assert.deepEqual(await done('instance.lead', { spec: writing('one', 2) }), { start: seed!.end, after: 1 })
  await bench.sql(specs.get('one')!, 'CREATE TABLE t AS SELECT generate_series(1, 10) AS n')
  await done('instance.attach', { spec: reading('two'), image: { snapshotId: 'seed', making: 'm2' } })
  const count = async (id: string): Promise<unknown> =>
    (await bench.sql(specs.get(id)!, 'SELECT count(*)::int AS n FROM t'))[0]!['n']
  await eventually('the reader has it', async () => ((await count('two')) === 10 ? true : undefined))

  await heads.running.get('one')!.die()
  await bench.sql(specs.get('one')!, 'INSERT INTO t VALUES (11)')
  assert.equal(heads.running.size, 1, 'another head acknowledged it')

  heads.running.get('one')!.fence()
  await eventually('the writer has ended', () => {
    const seen = agent.observed().find(({ id }) => id === 'one')
    return seen?.state === 'stopped' ? true : undefined
  })
  const started = await done('instance.lead', { spec: writing('two', 4) })
  assert.equal((started as { after: number }).after, 2)
  assert.equal(await count('two'), 11)
  await bench.sql(specs.get('two')!, 'INSERT INTO t VALUES (12)')

  await done('instance.attach', { spec: reading('one'), image: undefined })
  await eventually('the old writer follows', async () => ((await count('one')) === 12 ? true : undefined))
})
