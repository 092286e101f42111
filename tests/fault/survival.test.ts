/** What databases and their clients notice of deaths and restarts: of serve, an agent, an engine, the whole machine. */
import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DescribeEventsCommand, StopDBInstanceCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import type pg from 'pg'
import { connect, createInstance, describe, instanceIn, query } from '../support/database.ts'
import {
  discard,
  eventually,
  health,
  newStateFolder,
  processesOf,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts'

let state: string
let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  state = await newStateFolder()
  await start()
  await Promise.all([createInstance(rds, 'live', { DBName: 'shop' }), createInstance(rds, 'idle')])
  await query(holdfast, (await describe(rds, 'live'))!, 'create table kept as select 42 as answer', {
    database: 'shop',
  })
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'idle' }))
  await instanceIn(rds, 'idle', 'stopped')
})

after(() => discard(holdfast))

async function start(): Promise<void> {
  holdfast = await startHoldfast({ state })
  rds = holdfast.rds()
}

/** From the engine's own lock file: whichever agent looks after it, it is the same engine while this pid is the same. */
async function postmasterPid(id = 'live'): Promise<number> {
  const { DbiResourceId } = (await describe(rds, id))!
  const [zone] = (await readdir(join(state, 'hosts'))).sort()
  const file = join(state, 'hosts', zone!, 'instances', DbiResourceId!, 'data', 'postmaster.pid')
  return Number((await readFile(file, 'utf8')).split('\n')[0])
}

const backendOf = async (client: pg.Client): Promise<number> =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid

async function isIntact(before: DBInstance): Promise<DBInstance> {
  const instance = await instanceIn(rds, 'live', 'available')
  assert.deepEqual(instance.Endpoint, before.Endpoint)
  assert.deepEqual(await query(holdfast, instance, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
  return instance
}

const nothingRuns = (): Promise<true> =>
  eventually('no process of the state folder', async () => ((await processesOf(state)).length === 0 ? true : undefined))

const eventMessages = async (id: string): Promise<string[]> => {
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: id, Duration: 60 }),
  )
  return Events!.map(({ Message }) => Message!)
}

test('an open session goes on while serve is killed and restarted', async () => {
  const before = (await describe(rds, 'live'))!
  const client = await connect(holdfast, before, { database: 'shop' })
  try {
    const backend = await backendOf(client)
    await client.query('begin')
    await client.query('insert into kept values (43)')
    await holdfast.kill()
    await client.query('insert into kept values (44)')
    await start()
    assert.equal((await describe(rds, 'live'))!.DBInstanceStatus, 'available')
    await client.query('rollback')
    assert.equal(await backendOf(client), backend)
  } finally {
    await client.end()
  }
  await isIntact(before)
})

test('an open session goes on while the agent is killed, and the next agent takes the engine over', async () => {
  const before = (await describe(rds, 'live'))!
  const client = await connect(holdfast, before)
  try {
    const [backend, postmaster] = [await backendOf(client), await postmasterPid()]
    const agent = (await health(holdfast)).zones[0]!.agent!.pid
    process.kill(agent, 'SIGKILL')
    assert.equal(await backendOf(client), backend)
    await eventually('another agent', async () => {
      const pid = (await health(holdfast)).zones[0]!.agent?.pid
      return pid !== undefined && pid !== agent ? pid : undefined
    })
    await instanceIn(rds, 'live', 'available')
    assert.equal(await backendOf(client), backend)
    assert.equal(await postmasterPid(), postmaster)
  } finally {
    await client.end()
  }
})

test('a killed engine comes back by itself with its data, and both are recorded', async () => {
  const before = (await describe(rds, 'live'))!
  const postmaster = await postmasterPid()
  process.kill(postmaster, 'SIGKILL')
  await eventually('the end of the engine is seen', async () => {
    const messages = await eventMessages('live')
    return messages.some((message) => message.startsWith('Recovery of the DB instance has started')) ? true : undefined
  })
  await isIntact(before)
  assert.notEqual(await postmasterPid(), postmaster)
  await eventually('the recovery is recorded', async () =>
    (await eventMessages('live')).includes('Recovery of the DB instance is complete') ? true : undefined,
  )
})

test('an order to stop that leaves the engines leaves them serving', async () => {
  const before = (await describe(rds, 'live'))!
  const client = await connect(holdfast, before)
  try {
    const backend = await backendOf(client)
    const stopped = await fetch(`${holdfast.url}/_holdfast/stop`, { method: 'POST', body: '{"engines":"keep"}' })
    assert.equal(stopped.status, 200)
    assert.equal(await holdfast.exited, 0)
    assert.equal(await backendOf(client), backend)
    await start()
    assert.equal(await backendOf(client), backend)
  } finally {
    await client.end()
  }
  await isIntact(before)
})

test('after a restart of the machine what was available comes back where it was, and what was stopped stays so', async () => {
  const before = (await describe(rds, 'live'))!
  await holdfast.kill()
  for (const { pid } of await processesOf(state)) process.kill(pid, 'SIGKILL')
  await nothingRuns()
  await start()
  await isIntact(before)
  assert.equal((await describe(rds, 'idle'))!.DBInstanceStatus, 'stopped')
})

test('Ctrl-C stops every process, and the next start brings back what ran', async () => {
  const before = (await describe(rds, 'live'))!
  await holdfast.stop()
  assert.equal(await holdfast.exited, 0)
  await nothingRuns()
  await start()
  await isIntact(before)
  assert.equal((await describe(rds, 'idle'))!.DBInstanceStatus, 'stopped')
})

test('Ctrl-C just after an agent was killed stops every process as well', async () => {
  const before = (await describe(rds, 'live'))!
  const { agent } = (await health(holdfast)).zones.find(({ instances }) => instances > 0)!
  process.kill(agent!.pid, 'SIGKILL')
  await holdfast.stop()
  assert.equal(await holdfast.exited, 0)
  await nothingRuns()
  await start()
  await isIntact(before)
})

test('a second serve on the same state folder refuses, and the first is unaffected', async () => {
  const before = (await describe(rds, 'live'))!
  await assert.rejects(
    startHoldfast({ state }),
    /ended \(1\)[^]*Another Holdfast is running on this state folder[^]*Next:/,
  )
  await isIntact(before)
})

test('stopping right after a start leaves no process, also beside the agent that a killed serve left', async () => {
  const first = await startHoldfast()
  await eventually('an agent', async () => (await health(first)).zones[0]!.agent ?? undefined)
  await first.kill()
  const second = await startHoldfast({ state: first.state })
  await second.stop()
  await discard(second)
})
