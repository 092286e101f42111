/** Names, ports, disk space and binaries that are contended or not to be had. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  DescribeEventsCommand,
  RebootDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import {
  createInput,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  query,
} from '../support/database.ts'
import { discard, eventually, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

/** Where endpoints' ports come from when the one that is asked for is taken. */
const POOL = [4510, 4999] as const

let cache: string
let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  cache = await mkdtemp(join(tmpdir(), 'holdfast-npm-'))
  await start()
})

/** With no registry and an empty cache, so that only the version that came along is to be had. */
async function start(state?: string): Promise<void> {
  const env = {
    npm_config_registry: 'http://127.0.0.1:9',
    npm_config_cache: cache,
    HOLDFAST_POSTGRES_BIN: '',
    HOLDFAST_ENGINE_PORTS: POOL.join('-'),
  }
  holdfast = await startHoldfast({ env, ...(state !== undefined && { state }) })
  rds = holdfast.rds()
}

after(async () => {
  await rm(cache, { recursive: true, force: true })
  await discard(holdfast)
})

const volumes = (of = holdfast.state): Promise<string[]> => readdir(join(of, 'hosts', 'a', 'instances'))

/** Takes a port of 127.0.0.1, as a stranger would, while `work` goes on. */
async function whileOccupied<T>(wanted: number, work: (port: number) => Promise<T>): Promise<T> {
  const server = createServer()
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
    await once(server, 'close')
  }
}

const complaintsOf = (instance: DBInstance): string =>
  instance.StatusInfos!.map(({ Status, Message }) => `${Status}: ${Message}`).join('\n')

async function failuresOf(of: RDSClient, id: string): Promise<string[]> {
  const { Events } = await of.send(
    new DescribeEventsCommand({
      SourceType: 'db-instance',
      SourceIdentifier: id,
      Duration: 60,
      EventCategories: ['failure'],
    }),
  )
  return Events!.map(({ Message }) => Message!)
}

test('of creations of one name at once exactly one wins', async () => {
  const attempts = Array.from({ length: 4 }, () => rds.send(new CreateDBInstanceCommand(createInput('one'))))
  const settled = await Promise.allSettled(attempts)
  const lost = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).name] : []))
  assert.deepEqual(
    lost,
    Array.from({ length: 3 }, () => 'DBInstanceAlreadyExistsFault'),
  )
  await instanceIn(rds, 'one', 'available')
  await deleteInstance(rds, 'one')
})

test('eight creations at once all become available, each on a port of its own', async () => {
  const ids = Array.from({ length: 8 }, (_, n) => `many-${n}`)
  const instances = await Promise.all(ids.map((id) => createInstance(rds, id)))
  const ports = instances.map(({ Endpoint }) => Endpoint!.Port!)
  assert.equal(new Set(ports).size, 8)
  for (const instance of instances) await query(holdfast, instance, 'select 1')
  await Promise.all(ids.map((id) => deleteInstance(rds, id)))
  assert.deepEqual(await volumes(), [])
})

test('an instance deleted while it is created leaves no process, no folder and no port', async () => {
  const port = await whileOccupied(0, (free) => Promise.resolve(free))
  for (let round = 0; round < 3; round++) {
    await rds.send(new CreateDBInstanceCommand(createInput('brief', { Port: port })))
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'brief', SkipFinalSnapshot: true }))
    await instanceGone(rds, 'brief')
    assert.deepEqual(await volumes(), [])
    assert.deepEqual(await processesOf(join(holdfast.state, 'hosts', 'a', 'instances')), [])
  }
  const instance = await createInstance(rds, 'brief', { Port: port })
  assert.equal(instance.Endpoint!.Port, port)
  await deleteInstance(rds, 'brief')
})

test('an instance whose port somebody else holds gets one from the pool', () =>
  whileOccupied(0, async (Port) => {
    const instance = await createInstance(rds, 'elsewhere', { Port })
    const port = instance.Endpoint!.Port!
    assert.ok(port >= POOL[0] && port <= POOL[1], String(port))
    await query(holdfast, instance, 'select 1')
    await deleteInstance(rds, 'elsewhere')
  }))

test('an instance whose port was taken while it was stopped says so, and starts once the port is free', async () => {
  const before = await createInstance(rds, 'evicted', { DBName: 'shop' })
  await query(holdfast, before, 'create table kept as select 42 as answer', { database: 'shop' })
  const start = (): Promise<unknown> => rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'evicted' }))
  const reboot = (): Promise<unknown> => rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'evicted' }))
  for (const recover of [start, reboot]) {
    await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'evicted' }))
    await instanceIn(rds, 'evicted', 'stopped')
    await whileOccupied(before.Endpoint!.Port!, async () => {
      await start()
      const failed = await instanceIn(rds, 'evicted', 'failed')
      assert.match(complaintsOf(failed), /^failed: .*Address already in use/)
      assert.match((await failuresOf(rds, 'evicted')).join('\n'), /Address already in use/)
    })
    await recover()
    const again = await instanceIn(rds, 'evicted', 'available')
    assert.deepEqual(again.StatusInfos ?? [], [])
    assert.deepEqual(again.Endpoint, before.Endpoint)
    assert.deepEqual(await query(holdfast, again, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
  }
  await deleteInstance(rds, 'evicted')
})

test('an instance that is rebooted in vain comes up by itself once it can', async () => {
  const before = await createInstance(rds, 'patient')
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'patient' }))
  await instanceIn(rds, 'patient', 'stopped')
  await whileOccupied(before.Endpoint!.Port!, async () => {
    await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'patient' }))
    await instanceIn(rds, 'patient', 'failed')
    await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'patient' }))
    await instanceIn(rds, 'patient', 'failed')
  })
  const again = await eventually('the instance comes up', async () => {
    const instance = (await describe(rds, 'patient'))!
    return instance.DBInstanceStatus === 'available' ? instance : undefined
  })
  assert.deepEqual(again.StatusInfos ?? [], [])
  await query(holdfast, again, 'select 1')
  await deleteInstance(rds, 'patient')
})

test('an instance whose port was taken over a restart of Holdfast says so, and comes back once it is free', async () => {
  const before = await createInstance(rds, 'displaced')
  await holdfast.stop()
  await whileOccupied(before.Endpoint!.Port!, async () => {
    await start(holdfast.state)
    const waiting = await instanceIn(rds, 'displaced', 'starting', (instance) => complaintsOf(instance) !== '')
    assert.match(complaintsOf(waiting), /Address already in use/)
  })
  const again = await instanceIn(rds, 'displaced', 'available')
  assert.deepEqual(again.StatusInfos ?? [], [])
  assert.deepEqual(again.Endpoint, before.Endpoint)
  await deleteInstance(rds, 'displaced')
})

test('a version that cannot be fetched ends in failed, and says what can run instead', async () => {
  await rds.send(new CreateDBInstanceCommand(createInput('never', { EngineVersion: '12.10' })))
  const failed = await instanceIn(rds, 'never', 'failed')
  const said = /PostgreSQL 12\.10 could not be fetched: .*What runs here without fetching: .*18\.4/
  assert.match(complaintsOf(failed), said)
  assert.match((await failuresOf(rds, 'never')).join('\n'), said)
  await assert.rejects(rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'never' })), {
    name: 'InvalidDBInstanceStateFault',
  })
  assert.deepEqual(await volumes(), [])
  await deleteInstance(rds, 'never')
})

const DISK_BYTES = 420 * 2 ** 20
/** Less than a data volume, more than the store needs. */
const LEFT_BYTES = 4 * 2 ** 20

/** False when a disk of our own can be mounted here. */
function cannotMount(): false | string {
  if (process.getuid?.() !== 0) return 'only root can mount a small disk'
  return process.platform === 'linux' ? false : 'tmpfs is of Linux'
}

/** Base backups and log would go to the same small disk, at a time of their own. */
const WITHOUT_BACKUPS = { BackupRetentionPeriod: 0 }

/** A data volume that lies ready from before may still be used, so the first one need not fail. */
async function createUntilFailure(client: RDSClient): Promise<{ made: DBInstance[]; failed: DBInstance }> {
  const made: DBInstance[] = []
  for (let n = 0; n < 3; n++) {
    const id = `crowded-${n}`
    await client.send(new CreateDBInstanceCommand(createInput(id, WITHOUT_BACKUPS)))
    const ended = await eventually(`the end of the creation of ${id}`, async () => {
      const instance = (await describe(client, id))!
      return instance.DBInstanceStatus === 'creating' ? undefined : instance
    })
    if (ended.DBInstanceStatus === 'failed') return { made, failed: ended }
    assert.equal(ended.DBInstanceStatus, 'available')
    made.push(ended)
  }
  assert.fail('the disk never filled up')
}

test('on a full disk a new instance fails and says so, and all else goes on', { skip: cannotMount() }, async () => {
  const state = await newStateFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=0711`, 'tmpfs', state])
  let small: Holdfast | undefined
  try {
    small = await startHoldfast({ state })
    const client = small.rds()
    const first = await createInstance(client, 'first', { DBName: 'shop', ...WITHOUT_BACKUPS })
    const { bavail, bsize } = await statfs(state)
    await writeFile(join(state, 'ballast'), Buffer.alloc(bavail * bsize - LEFT_BYTES))
    const { made, failed } = await createUntilFailure(client)
    assert.match(complaintsOf(failed), /disk of the host is full|No space left/)
    assert.match((await failuresOf(client, failed.DBInstanceIdentifier!)).join('\n'), /disk .* is full|No space left/)
    const expected = [first, ...made].map(({ DbiResourceId }) => DbiResourceId!)
    assert.deepEqual(await volumes(state), expected.sort())
    // What there is serves, and is kept from writing to the last byte.
    const full = await instanceIn(client, 'first', 'storage-full')
    assert.match(complaintsOf(full), /disk of the host/)
    await query(small, first, 'select 1', { database: 'shop' })
    await deleteInstance(client, failed.DBInstanceIdentifier!)
    await rm(join(state, 'ballast'))
    const last = await createInstance(client, 'last', WITHOUT_BACKUPS)
    await query(small, last, 'select 1')
    await instanceIn(client, 'first', 'available')
    await query(small, first, 'create table kept as select 42 as answer', { database: 'shop' })
  } finally {
    await small?.stop()
    execFileSync('umount', [state])
    await rm(state, { recursive: true })
  }
})
