/** AllocatedStorage as a volume of that size: what is full is full, grows while it is written to, and outlives who serves it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ModifyDBInstanceCommand, RebootDBInstanceCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { diskVolumes } from '#agent/disk-volumes.ts'
import { systemClock } from '#host/clock.ts'
import { volumeTrouble } from '#host/loop-volume.ts'
import { lacks } from '../../scripts/setup.ts'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { connect, createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import {
  discard,
  eventually,
  health,
  newStateFolder,
  processesOf,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts'
import { engineOf } from '../support/processes.ts'
import { occupy, SmallDisk } from '../support/small-disk.ts'

/** Of the system; no package brings them. */
const [LOOP_DEVICES, TAKE_SPACE, SHUT_DOWN] = ['losetup', 'fallocate', 'xfs_io']
const MIB = 2 ** 20
const UNIT_BYTES = 128 * MIB
const ALLOCATED = 5
const ENV = {
  HOLDFAST_VOLUMES: 'loop',
  HOLDFAST_STORAGE_UNIT_BYTES: String(UNIT_BYTES),
  // Six hours between two changes of storage are a second.
  HOLDFAST_STORAGE_SPEED: '21600',
}
/** The smallest storage there is. */
const SMALL = { StorageType: 'standard', AllocatedStorage: ALLOCATED, BackupRetentionPeriod: 0 }

const ZONES = ['a', 'b']

const skip = lacks('mkfs.xfs') || (await cannotHaveVolumes())
let holdfast: Holdfast
let rds: RDSClient
/** Of two copies. */
let real: DBInstance
/** Of one, in a zone whose volumes lie on a disk of their own. */
let single: DBInstance
let disk: SmallDisk
/** More than is ever written there. */
const DISK_BYTES = 1024 * MIB
const world = new AsyncDisposableStack()

async function cannotHaveVolumes(): Promise<false | string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-volume-'))
  const trouble = await volumeTrouble(folder, systemClock)
  await rm(folder, { recursive: true })
  return trouble === undefined ? false : `this machine has no loop volumes: ${trouble}`
}

before(async () => {
  if (skip !== false) return
  const state = await newStateFolder()
  disk = world.use(await SmallDisk.mount(join(state, 'hosts', 'c', 'volumes'), DISK_BYTES))
  holdfast = await startHoldfast({ state, env: ENV })
  rds = holdfast.rds()
  const made = [
    createInstance(rds, 'real', { ...SMALL, MultiAZ: true }),
    createInstance(rds, 'single', { ...SMALL, AvailabilityZone: 'us-east-1c' }),
  ] as const
  ;[real, single] = await Promise.all(made)
  await query(holdfast, real, 'create table filler (t text) with (autovacuum_enabled = off)')
  for (const instance of [real, single]) await query(holdfast, instance, 'create table written (n int primary key)')
})

after(async () => {
  // Undefined where the first one did not start.
  const started = holdfast as Holdfast | undefined
  if (started?.process.exitCode === null && started.process.signalCode === null) await started.stop()
  // A test that failed may have left what nobody takes down any more.
  for (const folder of started ? await mounted() : []) execFileSync('umount', ['-l', folder])
  await world.disposeAsync()
  if (started) await discard(started)
})

const folderOf = (zone: string, instance: DBInstance): string =>
  join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!)

async function mounted(): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  return mounts.filter((folder) => folder.startsWith(holdfast.state) && folder.includes('/instances/'))
}

/** Mounts and loop devices of this test's Holdfast. */
async function left(): Promise<string[]> {
  const devices = execFileSync(LOOP_DEVICES, ['--list', '--noheadings', '--output', 'BACK-FILE'], { encoding: 'utf8' })
  return [...(await mounted()), ...devices.split('\n').filter((line) => line.includes(holdfast.state))].sort()
}

async function sizeOf(zone: string): Promise<number> {
  const { blocks, bsize } = await statfs(folderOf(zone, real))
  return blocks * bsize
}

const READ_ONLY = '25006'

/** Writes until that is refused; by which error. */
async function fill(): Promise<string | undefined> {
  const client = await connect(holdfast, real)
  client.on('error', () => {})
  try {
    for (;;) await client.query(`insert into filler select repeat(md5(n::text), 50) from generate_series(1, 2500) n`)
  } catch (error) {
    return (error as { code?: string }).code
  } finally {
    await client.end().catch(() => {})
  }
}

/** Of a client whose connection may end meanwhile. */
async function attempt(instance: DBInstance, sql: string): Promise<void> {
  const client = await connect(holdfast, instance)
  client.on('error', () => {})
  try {
    await client.query(sql)
  } finally {
    await client.end().catch(() => {})
  }
}

const modify = (id: string, AllocatedStorage: number): Promise<unknown> =>
  rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, AllocatedStorage, ApplyImmediately: true }))

const redundant = (): Promise<DBInstance> => instanceIn(rds, 'real', 'available', ({ MultiAZ }) => MultiAZ === true)

/** Leaves so much of a volume, and writes almost nothing for it. What takes the rest goes in a folder of its own. */
async function takeOf(folder: string, leaveBytes = 0): Promise<void> {
  const taken = await mkdtemp(join(folder, 'taken-'))
  const { bavail, bsize } = await statfs(folder)
  execFileSync(TAKE_SPACE, ['--length', String(bavail * bsize - leaveBytes - MIB), join(taken, 'most')])
  if (leaveBytes === 0) await occupy(taken)
}

/** Leaves nothing of the volume of `single`, and ends the engine on it: this one. */
async function fillAndKill(): Promise<number> {
  const engine = await engineOf(holdfast.state, 'c', single)
  await takeOf(folderOf('c', single))
  try {
    process.kill(engine, 'SIGKILL')
  } catch (error) {
    // It came to the end of its volume first.
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
  }
  return engine
}

const complaint = (infos: DBInstance['StatusInfos']): string => infos?.[0]?.Message ?? ''

test('each copy has a volume of the allocated size', { skip }, async () => {
  for (const zone of ZONES) {
    const size = await sizeOf(zone)
    assert.ok(size <= ALLOCATED * UNIT_BYTES && size > 0.8 * ALLOCATED * UNIT_BYTES, `${zone}: ${size}`)
  }
})

test('volumes of both copies grow while they are written to, and no transaction fails', { skip }, async () => {
  const before = await Promise.all(ZONES.map(sizeOf))
  await using writer = new AcknowledgedInserts(holdfast, real)
  await writer.more(50)
  await modify('real', ALLOCATED + 1)
  await instanceIn(rds, 'real', 'available', ({ AllocatedStorage }) => AllocatedStorage === ALLOCATED + 1)
  await writer.more(50)
  await writer.stop()
  assert.equal(writer.failures, 0)
  for (const [n, zone] of ZONES.entries()) assert.ok((await sizeOf(zone)) > before[n]! + 0.9 * UNIT_BYTES, zone)
})

test('volumes that are full are read-only, and left by more storage', { skip }, async () => {
  // The rest is filled by the engine, and faster.
  for (const zone of ZONES) await takeOf(folderOf(zone, real), 256 * MIB)
  await eventually('an instance that takes nothing', async () => ((await fill()) === READ_ONLY ? true : undefined))
  await instanceIn(rds, 'real', 'storage-full')
  assert.ok((await query(holdfast, real, 'select 1 from written')).length > 0)
  await modify('real', ALLOCATED + 4)
  await redundant()
  await query(holdfast, real, 'insert into filler values (1)')
})

test('an engine comes up on a volume without a free byte, to be read', { skip }, async () => {
  await query(holdfast, single, 'insert into written values (-1)')
  const before = await fillAndKill()
  await eventually('another engine', async () =>
    (await engineOf(holdfast.state, 'c', single)) === before ? undefined : true,
  )
  await instanceIn(rds, 'single', 'storage-full')
  assert.deepEqual(await query(holdfast, single, 'select n from written'), [{ n: -1 }])
})

test(
  'one that cannot come up at all is storage-full and says why, and does once it has more storage',
  {
    skip,
  },
  async () => {
    await fillAndKill()
    await instanceIn(rds, 'single', 'storage-full', ({ StatusInfos }) =>
      /no room left to start/.test(complaint(StatusInfos)),
    )
    await modify('single', ALLOCATED + 2)
    await instanceIn(rds, 'single', 'available')
    await query(holdfast, single, 'insert into written values (-2)')
    const folder = folderOf('c', single)
    for (const name of await readdir(folder))
      if (name.startsWith('taken-')) await rm(join(folder, name), { recursive: true })
  },
)

test(
  'a file system that gives itself up under an engine is mounted anew, with all that was acknowledged',
  {
    skip,
  },
  async () => {
    await query(holdfast, single, 'delete from written where n >= 0')
    await using writer = new AcknowledgedInserts(holdfast, single)
    await writer.more(50)
    execFileSync(SHUT_DOWN, ['-x', '-c', 'shutdown', folderOf('c', single)])
    await writer.more(50)
    await writer.stop()
    assert.ok(writer.failures > 0)
    await writer.assertKept()
    await instanceIn(rds, 'single', 'available')
  },
)

test(
  'a full disk of the host under a volume: storage-full, and back by itself, with all that was acknowledged',
  {
    skip,
  },
  async () => {
    // Its deaths in the tests before slow its next start down; after a reboot they are forgotten.
    await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'single' }))
    await instanceIn(rds, 'single', 'available')
    await query(holdfast, single, 'delete from written where n >= 0')
    await using writer = new AcknowledgedInserts(holdfast, single)
    await writer.more(50)
    await disk.fill()
    // Blocks that were written before have their place: log has to come to others.
    const log = `select pg_logical_emit_message(false, 'filler', repeat('x', ${8 * MIB}))`
    await eventually('storage-full, by the disk of the host', async () => {
      const { DBInstanceStatus, StatusInfos } = (await describe(rds, 'single'))!
      if (DBInstanceStatus === 'storage-full' && /disk of the host/.test(complaint(StatusInfos))) return true
      await attempt(single, log).catch(() => {})
      return undefined
    })
    await disk.empty()
    await instanceIn(rds, 'single', 'available')
    await writer.more(50)
    await writer.stop()
    await writer.assertKept()
  },
)

test('after kill -9 of the agents the next ones find the volumes, and the data on them', { skip }, async () => {
  const before = await left()
  for (const { agent } of (await health(holdfast)).zones) if (agent) process.kill(agent.pid, 'SIGKILL')
  await eventually('other agents', async () => {
    const { zones } = await health(holdfast)
    return zones.filter(({ agent }) => agent).length >= 2 ? true : undefined
  })
  await redundant()
  await query(holdfast, real, 'insert into filler values (2)')
  assert.deepEqual(await left(), before)
})

test(
  'after a power cut, which leaves nothing mounted, the next Holdfast brings the volumes back',
  {
    skip,
  },
  async () => {
    const before = await left()
    await holdfast.kill()
    for (const { pid } of await processesOf(holdfast.state)) process.kill(pid, 'SIGKILL')
    for (const folder of await mounted()) execFileSync('umount', ['-l', folder])
    // An agent of this one dies in the middle of these jobs, and the next one at the next of them.
    const points = ['create.initialized', 'create.configured', 'remove.stopped', 'remove.removed']
    const HOLDFAST_CRASH_AT = points.map((point) => `agent:instance.${point}`).join(',')
    holdfast = await startHoldfast({ state: holdfast.state, env: { ...ENV, HOLDFAST_CRASH_AT } })
    rds = holdfast.rds()
    await redundant()
    await instanceIn(rds, 'single', 'available')
    assert.equal((await query(holdfast, single, 'select n from written where n < 0')).length, 2)
    assert.deepEqual(await left(), before)
  },
)

test('agents that die while they make and remove an instance leave nothing of it', { skip }, async () => {
  const before = await left()
  await createInstance(rds, 'brief', SMALL)
  assert.equal((await left()).length, before.length + 2)
  await deleteInstance(rds, 'brief')
  assert.deepEqual(await left(), before)
})

test('deleting leaves neither mount nor device nor file', { skip }, async () => {
  await deleteInstance(rds, 'real')
  assert.equal(await describe(rds, 'real'), undefined)
  assert.equal((await left()).filter((path) => path.includes(real.DbiResourceId!)).length, 0)
  for (const zone of ZONES) {
    const host = join(holdfast.state, 'hosts', zone)
    const names = [...(await readdir(join(host, 'volumes'))), ...(await readdir(join(host, 'instances')))]
    assert.deepEqual(
      names.filter((name) => name.startsWith(real.DbiResourceId!)),
      [],
      zone,
    )
  }
})

test('after Holdfast has stopped nothing is mounted', { skip }, async () => {
  assert.notDeepEqual(await left(), [])
  await holdfast.stop()
  assert.deepEqual(await left(), [])
})

test('whatever an interruption leaves of a volume is made good', { skip }, async () => {
  const host = join(holdfast.state, 'hosts', 'd')
  const volumes = await diskVolumes({
    host,
    snapshots: join(host, 'snapshots'),
    account: undefined,
    clock: systemClock,
    makesVolumes: true,
  })
  const image = join(host, 'volumes', 'db-A.img')
  await writeFile(`${image}.draft`, 'as far as it came')
  assert.deepEqual((await volumes.contents()).instances, ['db-A'])
  await volumes.attachInstance('db-A')
  for (const sizeBytes of [320 * MIB, 384 * MIB]) await volumes.makeInstance('db-A', sizeBytes)
  assert.equal((await left()).length, 2)
  await volumes.detachInstance('db-A')
  await volumes.growInstance('db-A', 448 * MIB)
  assert.ok((await volumes.roomOf('db-A'))!.freeBytes > 256 * MIB)
  await writeFile(`${image}.draft`, 'left')
  await volumes.removeInstance('db-A')
  assert.deepEqual([await left(), (await volumes.contents()).instances], [[], []])
})
