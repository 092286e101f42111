/** Real agent processes over sleeping engines: killed at every step, restarted, doubled, refused. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ConnectedHosts } from '#control/connected-hosts.ts'
import { memoryLog } from '#base/memory-log.ts'
import { isAlive, processOf, signal, spawnDetached } from '#host/process.ts'
import type { InstanceSpec, JobKind, JobKinds, JobView } from '#wire/agent/messages.ts'
import { openHostAgents } from '../../src/role/host-agents.ts'
import { eventually } from '../support/eventually.ts'
import { specOf } from '../support/scripted-engine.ts'
import { enginesUnder, headsUnder } from '../support/sleeping-engine.ts'

const PROGRAM = [process.execPath, fileURLToPath(new URL('../support/sleeping-agent.ts', import.meta.url))]

const spec = specOf('db-A')
const master = { name: 'app', passwordVerifier: 'verifier' }
const creation = { spec, master, databaseName: undefined }

/** One state folder; serve's end of it can go and come back. */
class Stage {
  readonly state: string
  hosts!: ConnectedHosts

  private constructor(state: string) {
    this.state = state
  }

  static async open(env: Record<string, string> = {}): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'holdfast-agent-')))
    await stage.connect(env)
    stages.push(stage)
    return stage
  }

  async connect(env: Record<string, string> = {}): Promise<void> {
    const { HOLDFAST_CRASH_AT: _, ...plain } = process.env
    this.hosts = await openHostAgents({
      state: this.state,
      log: memoryLog(),
      program: PROGRAM,
      env: { ...plain, ...env },
    })
  }

  /** The agent's pid, once it is connected, and not that of the agent before it. */
  async agent(before?: number): Promise<number> {
    await this.hosts.rouse('a')
    return eventually('the agent is connected', () => {
      const pid = this.hosts.status()[0]?.agentPid
      return pid === before ? undefined : pid
    })
  }

  /** Resolves with the job's end, however often the agent dies meanwhile; a flow does no more than this. */
  async run<K extends JobKind>(jobId: string, kind: K, input: JobKinds[K]['input']): Promise<JobView> {
    const ask = async (): Promise<JobView | undefined> => {
      try {
        const view = await this.hosts.job('a', jobId)
        if (view.state === 'absent') await this.hosts.startJob('a', jobId, kind, input)
        return view.state === 'succeeded' || view.state === 'failed' ? view : undefined
      } catch {
        return undefined
      }
    }
    return eventually(`${jobId} has ended`, ask)
  }

  folder(id = 'db-A'): string {
    return join(this.state, 'hosts', 'a', 'instances', id)
  }

  async close(): Promise<void> {
    const agents = this.hosts.status().flatMap(({ agentPid }) => (agentPid === undefined ? [] : [agentPid]))
    await this.hosts.close()
    const left = [...(await enginesUnder(this.state)), ...(await headsUnder(this.state))]
    for (const pid of [...agents, ...left]) {
      const found = processOf(pid)
      if (found) signal(found, 'SIGKILL')
    }
    await rm(this.state, { recursive: true, force: true })
  }
}

const stages: Stage[] = []
after(async () => {
  for (const stage of stages) await stage.close()
})

function kill(pid: number): Promise<unknown> {
  const found = processOf(pid)
  assert.ok(found)
  signal(found, 'SIGKILL')
  return eventually('the process is gone', () => (isAlive(found) ? undefined : true))
}

/** What must be so after any job, whatever happened on the way: one engine a running instance, and none else. */
async function assertTidy(stage: Stage): Promise<void> {
  const instances = await readdir(join(stage.state, 'hosts', 'a', 'instances'))
  const running: (number | undefined)[] = []
  for (const id of instances) {
    const observed = await eventually(`${id} has settled`, () => {
      const seen = stage.hosts.observed('a', id)
      return seen && (seen.accepting || seen.state === 'stopped') ? seen : undefined
    })
    if (observed.state === 'running') running.push(observed.pid)
  }
  assert.deepEqual((await enginesUnder(stage.state)).sort(), running.sort())
}

const attachment = {
  id: 'cluster-1',
  name: 'db-A',
  identifier: 'shop-1',
  feeds: [],
  login: { password: 'secret', caPem: 'ca' },
}
const reading: InstanceSpec = {
  ...spec,
  revivedBy: 'control',
  volume: { ...attachment, role: 'reader', isOpen: false },
}
const leading: InstanceSpec = {
  ...reading,
  volume: {
    ...attachment,
    role: 'writer',
    isOpen: true,
    head: { epoch: 5, configuration: { generation: 1, members: [] }, places: [], tls: spec.tls },
  },
}

const CREATE = ['accepted', 'wiped', 'initialized', 'configured', 'started', 'bootstrapped', 'sealed', 'recorded']
const WALK: { [K in JobKind]?: { phases: readonly string[]; input: JobKinds[K]['input'] } } = {
  'instance.create': { phases: CREATE, input: creation },
  'instance.restore': {
    phases: ['accepted', 'wiped', 'restored', 'configured', 'started', 'password-set', 'sealed', 'recorded'],
    input: { spec: specOf('db-R'), snapshotId: 's0', master },
  },
  'instance.start': {
    phases: ['accepted', 'stopped', 'started', 'recorded'],
    input: { spec: { ...spec, port: 6000 } },
  },
  'instance.restart': { phases: ['accepted', 'stopped', 'intended', 'started', 'recorded'], input: { spec } },
  'instance.reload': { phases: ['accepted', 'intended', 'configured', 'reloaded', 'recorded'], input: { spec } },
  'instance.set-password': { phases: ['accepted', 'password-set', 'recorded'], input: { id: 'db-A', master } },
  'instance.snapshot': {
    phases: ['accepted', 'wiped', 'copied', 'completed', 'recorded'],
    input: { id: 'db-A', snapshotId: 's1' },
  },
  'snapshot.copy': {
    phases: ['accepted', 'wiped', 'copied', 'completed', 'recorded'],
    input: { snapshotId: 's0', targetId: 's2' },
  },
  'snapshot.remove': { phases: ['accepted', 'removed', 'recorded'], input: { snapshotId: 's0' } },
  'engine.prepare': { phases: ['accepted', 'prepared', 'recorded'], input: { engine: 'postgres', version: '17.10' } },
  // Its first point is that of instance.snapshot, in the same code.
  'volume.image': {
    phases: ['wiped', 'copied', 'completed', 'recorded'],
    input: { snapshotId: 'i1', from: 's0', engine: 'postgres', version: '17.10', volume: reading.volume!, until: 160 },
  },
  // Its other points are those of instance.restore, in the same code.
  'instance.attach': {
    phases: ['filled', 'recorded'],
    input: { spec: reading, image: { snapshotId: 's0', making: 'm1' } },
  },
  'instance.lead': {
    phases: ['intended', 'closed', 'promoted', 'durable', 'recorded'],
    input: { spec: leading },
  },
  'instance.stop': { phases: ['accepted', 'intended', 'stopped', 'recorded'], input: { id: 'db-A', mode: 'fast' } },
  'instance.remove': { phases: ['accepted', 'intended', 'stopped', 'removed', 'recorded'], input: { id: 'db-A' } },
}

for (const [kind, { phases, input }] of Object.entries(WALK) as [JobKind, { phases: string[]; input: never }][]) {
  test(`${kind} is finished by the next agent, at whichever of its ${phases.length} points the first one dies`, async () => {
    for (const phase of phases) await survive(kind, phase, input)
  })
}

async function survive(kind: JobKind, phase: string, input: never): Promise<void> {
  const stage = await Stage.open()
  if (kind !== 'instance.create') {
    await stage.run('first', 'instance.create', creation)
    await stage.run('second', 'instance.snapshot', { id: 'db-A', snapshotId: 's0' })
    const pid = await stage.agent()
    await stage.hosts.close()
    await kill(pid)
    await stage.connect({ HOLDFAST_CRASH_AT: `agent:${kind}.${phase}` })
  } else {
    await stage.hosts.close()
    await stage.connect({ HOLDFAST_CRASH_AT: `agent:${kind}.${phase}` })
  }
  const doomed = processOf(await stage.agent())!
  const view = await stage.run('job', kind, input)
  assert.equal(view.state, 'succeeded', `${kind} after a death at ${phase}: ${JSON.stringify(view)}`)
  // It is there until the last of its threads has ended.
  await eventually(`the agent was killed at ${phase}`, () => (isAlive(doomed) ? undefined : true))
  await assertTidy(stage)
  assert.equal((await headsUnder(stage.state)).length, kind === 'instance.lead' ? 1 : 0)
  stages.splice(stages.indexOf(stage), 1)
  await stage.close()
}

test('a creation that is given up after the agent died leaves no engine and no folder', async () => {
  const stage = await Stage.open({ HOLDFAST_CRASH_AT: 'agent:instance.create.started' })
  const doomed = processOf(await stage.agent())!
  await stage.hosts.startJob('a', 'flow/create', 'instance.create', creation)
  await eventually('the agent is killed', () => (isAlive(doomed) ? undefined : true))
  assert.equal((await enginesUnder(stage.state)).length, 1)
  const given = async (): Promise<true | undefined> => {
    try {
      await stage.hosts.cancelJobs('a', 'flow/')
      return (await stage.hosts.job('a', 'flow/create')).state === 'running' ? undefined : true
    } catch {
      return undefined
    }
  }
  await eventually('the creation is given up', given)
  await stage.run('remove', 'instance.remove', { id: 'db-A' })
  assert.equal(existsSync(stage.folder()), false)
  assert.deepEqual(await enginesUnder(stage.state), [])
})

test('engines outlive their agent and are adopted by the next one', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const engine = stage.hosts.observed('a', 'db-A')!.pid
  const first = await stage.agent()
  await kill(first)
  const second = await stage.agent(first)
  assert.notEqual(second, first)
  assert.deepEqual(
    [stage.hosts.observed('a', 'db-A')?.pid, stage.hosts.observed('a', 'db-A')?.accepting],
    [engine, true],
  )
  assert.deepEqual(await enginesUnder(stage.state), [engine])
})

test('an engine that dies is started again, also one that was adopted', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const first = await stage.agent()
  await kill(first)
  // The next one has to be there: an engine that dies while nobody looks is started again, and not counted.
  await stage.agent(first)
  for (const crashes of [1, 2]) {
    const { pid } = stage.hosts.observed('a', 'db-A')!
    await kill(pid!)
    await eventually('another engine runs', () => {
      const seen = stage.hosts.observed('a', 'db-A')!
      return seen.accepting && seen.pid !== pid && seen.crashes === crashes ? true : undefined
    })
  }
})

test('a head outlives its agent, is started again when it dies alone, and ends with its engine', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  await stage.run('lead', 'instance.lead', { spec: leading })
  const [head] = await headsUnder(stage.state)
  const first = await stage.agent()
  await kill(first)
  await stage.agent(first)
  assert.deepEqual(await headsUnder(stage.state), [head])
  await kill(head!)
  await eventually('another head runs', async () => ((await headsUnder(stage.state)).length === 1 ? true : undefined))
  await kill(stage.hosts.observed('a', 'db-A')!.pid!)
  await eventually('no head is left', async () => ((await headsUnder(stage.state)).length === 0 ? true : undefined))
  assert.deepEqual(await enginesUnder(stage.state), [], 'a writer is not started again by its agent')
})

test('agents and engines go on while serve is away, and the next serve finds them', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const [agent, engine] = [await stage.agent(), stage.hosts.observed('a', 'db-A')!.pid!]
  await stage.hosts.close()
  await kill(engine)
  const revived = await eventually('the agent alone starts the engine again', async () => {
    const pids = await enginesUnder(stage.state)
    return pids.length === 1 && pids[0] !== engine ? pids[0] : undefined
  })
  await stage.connect()
  assert.equal(await stage.agent(), agent)
  const seen = await eventually('the instance is seen', () => stage.hosts.observed('a', 'db-A'))
  assert.equal(seen.pid, revived)
  assert.equal(seen.crashes, 1)
})

test('stopping everything stops engines and agents, and what ran comes back with the next agent', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  await stage.run('other', 'instance.create', { ...creation, spec: specOf('db-B') })
  await stage.run('stop', 'instance.stop', { id: 'db-B', mode: 'fast' })
  const agent = processOf(await stage.agent())!
  await stage.hosts.shutDownAll()
  assert.deepEqual(await enginesUnder(stage.state), [])
  await eventually('the agent is gone', () => (isAlive(agent) ? undefined : true))
  await stage.hosts.close()
  await stage.connect()
  await stage.agent()
  await eventually('what ran runs', () => (stage.hosts.observed('a', 'db-A')?.accepting ? true : undefined))
  assert.equal(stage.hosts.observed('a', 'db-B')?.state, 'stopped')
})

test('stopping everything just after an agent was killed stops its engines too', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const agent = processOf(await stage.agent())!
  assert.notDeepEqual(await enginesUnder(stage.state), [])
  signal(agent, 'SIGKILL')
  await stage.hosts.shutDownAll()
  assert.deepEqual(await enginesUnder(stage.state), [])
  assert.equal(existsSync(join(stage.state, 'hosts', 'a', 'agent.json')), false)
})

test('an agent that is killed while it stops its engines leaves them to another, which stops them', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const agent = processOf(await stage.agent())!
  // It is given the order, and does not come to carry it out.
  signal(agent, 'SIGSTOP')
  const stopped = stage.hosts.shutDownAll()
  signal(agent, 'SIGKILL')
  await stopped
  assert.deepEqual(await enginesUnder(stage.state), [])
})

test('an agent that is terminated stops its engines in order', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const agent = processOf(await stage.agent())!
  await stage.hosts.close()
  signal(agent, 'SIGINT')
  signal(agent, 'SIGTERM')
  await eventually('the agent is gone', () => (isAlive(agent) ? undefined : true))
  assert.deepEqual(await enginesUnder(stage.state), [])
})

test('a second agent on the same host leaves at once and changes nothing', async () => {
  const stage = await Stage.open()
  await stage.run('create', 'instance.create', creation)
  const first = await stage.agent()
  const [command, ...args] = PROGRAM
  const outputPath = join(stage.state, 'second.log')
  const second = await spawnDetached(command!, [...args, '--state', stage.state, '--az', 'a'], {
    env: { PATH: process.env['PATH']! },
    outputPath,
  })
  assert.deepEqual(await second.exited, { code: 0, signal: undefined })
  assert.match(await readFile(outputPath, 'utf8'), /another agent looks after this host/)
  assert.equal(stage.hosts.status()[0]?.agentPid, first)
  assert.equal(stage.hosts.observed('a', 'db-A')?.accepting, true)
})

test('an agent with a wrong token is not let in', async () => {
  const stage = await Stage.open()
  await writeFile(join(stage.state, 'run', 'agent-token'), 'guessed')
  await stage.hosts.rouse('a')
  const logFile = join(stage.state, 'hosts', 'a', 'agent.log')
  await eventually('the agent was turned away', async () => {
    const text = await readFile(logFile, 'utf8').catch(() => '')
    return text.includes('serve is gone') ? true : undefined
  })
  assert.equal(stage.hosts.status()[0]?.agentPid, undefined)
  const pid = /"pid":(\d+)/.exec(await readFile(logFile, 'utf8'))?.[1]
  await kill(Number(pid))
})
