/** AllocatedStorage as a volume of that size: what is full is full, and grows while it is written to. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DescribeEventsCommand, ModifyDBInstanceCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { connect, createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, health, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { lacks } from '../../scripts/setup.ts'
import { cannotMount } from '../support/small-disk.ts'

/** Of the system; no package brings it. */
const LOOP_DEVICES = 'losetup'
const MIB = 2 ** 20
const UNIT_BYTES = 64 * MIB
const ALLOCATED = 20
const ENV = {
  HOLDFAST_VOLUMES: 'loop',
  HOLDFAST_STORAGE_UNIT_BYTES: String(UNIT_BYTES),
  // Six hours between two changes of storage are a second.
  HOLDFAST_STORAGE_SPEED: '21600',
}

const skip = cannotMount() || lacks('mkfs.xfs')
let holdfast: Holdfast
let rds: RDSClient
let instance: DBInstance

before(async () => {
  if (skip !== false) return
  holdfast = await startHoldfast({ env: ENV })
  rds = holdfast.rds()
  instance = await createInstance(rds, 'real', {
    MultiAZ: true,
    AllocatedStorage: ALLOCATED,
    BackupRetentionPeriod: 0,
  })
  await query(holdfast, instance, 'create table filler (t text) with (autovacuum_enabled = off)')
  await query(holdfast, instance, 'create table written (n int primary key)')
})

after(() => (skip === false ? discard(holdfast) : undefined))

const folderOf = (zone: string): string => join(holdfast.state, 'hosts', zone, 'instances', instance.DbiResourceId!)

/** Mounts and loop devices of this test's Holdfast. */
async function left(): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
  const devices = execFileSync(LOOP_DEVICES, ['--list', '--noheadings', '--output', 'BACK-FILE'], { encoding: 'utf8' })
  return [...mounts, ...devices.split('\n')].filter((line) => line.includes(holdfast.state))
}

async function sizeOf(zone: string): Promise<number> {
  const { blocks, bsize } = await statfs(folderOf(zone))
  return blocks * bsize
}

async function freeOf(zone: string): Promise<number> {
  const { bavail, bsize } = await statfs(folderOf(zone))
  return bavail * bsize
}

const READ_ONLY = '25006'

/** Writes until that is refused; by which error. */
async function fill(): Promise<string | undefined> {
  const client = await connect(holdfast, instance)
  client.on('error', () => {})
  try {
    for (;;) await client.query(`insert into filler select repeat(md5(n::text), 50) from generate_series(1, 2500) n`)
  } catch (error) {
    return (error as { code?: string }).code
  } finally {
    await client.end().catch(() => {})
  }
}

const modify = (AllocatedStorage: number): Promise<unknown> =>
  rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'real', AllocatedStorage, ApplyImmediately: true }))

const redundant = (): Promise<DBInstance> => instanceIn(rds, 'real', 'available', ({ MultiAZ }) => MultiAZ === true)

test('each copy has a volume of the allocated size', { skip }, async () => {
  for (const zone of ['a', 'b']) {
    const size = await sizeOf(zone)
    assert.ok(size <= ALLOCATED * UNIT_BYTES && size > 0.9 * ALLOCATED * UNIT_BYTES, `${zone}: ${size}`)
  }
})

test('volumes of both copies grow while they are written to, and no transaction fails', { skip }, async () => {
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(50)
  await modify(ALLOCATED + 4)
  await instanceIn(rds, 'real', 'available', ({ AllocatedStorage }) => AllocatedStorage === ALLOCATED + 4)
  await writer.more(50)
  await writer.stop()
  assert.equal(writer.failures, 0)
  for (const zone of ['a', 'b']) assert.ok((await sizeOf(zone)) > (ALLOCATED + 2) * UNIT_BYTES, zone)
})

test('volumes that are full turn read-only before their end, and are left by more storage', { skip }, async () => {
  await eventually('an instance that takes nothing', async () => ((await fill()) === READ_ONLY ? true : undefined))
  await instanceIn(rds, 'real', 'storage-full')
  assert.ok((await freeOf('a')) > 0)
  assert.ok((await query(holdfast, instance, 'select 1 from written')).length > 0)
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'real', Duration: 60 }),
  )
  // The engine was never without the space that it needs.
  assert.doesNotMatch(Events!.map(({ Message }) => Message!).join('\n'), /failover|restarted/i)
  await modify(ALLOCATED + 12)
  await redundant()
  await query(holdfast, instance, 'insert into filler values (1)')
})

test('after kill -9 of the agents the next ones find the volumes, and the data on them', { skip }, async () => {
  const before = await left()
  for (const { agent } of (await health(holdfast)).zones) if (agent) process.kill(agent.pid, 'SIGKILL')
  await eventually('other agents', async () => {
    const { zones } = await health(holdfast)
    return zones.filter(({ agent }) => agent).length >= 2 ? true : undefined
  })
  await redundant()
  await query(holdfast, instance, 'insert into filler values (2)')
  assert.deepEqual(await left(), before)
})

test('after Holdfast has stopped nothing is mounted, and the next one brings it back', { skip }, async () => {
  const count = (await left()).length
  await holdfast.stop()
  assert.deepEqual(await left(), [])
  holdfast = await startHoldfast({ state: holdfast.state, env: ENV })
  rds = holdfast.rds()
  await redundant()
  assert.equal((await left()).length, count)
  assert.ok((await sizeOf('a')) > (ALLOCATED + 10) * UNIT_BYTES)
})

test('deleting leaves neither mount nor device nor file', { skip }, async () => {
  await deleteInstance(rds, 'real')
  assert.deepEqual(await left(), [])
  for (const zone of ['a', 'b']) {
    const host = join(holdfast.state, 'hosts', zone)
    assert.deepEqual([...(await readdir(join(host, 'volumes'))), ...(await readdir(join(host, 'instances')))], [], zone)
  }
  assert.equal(await describe(rds, 'real'), undefined)
})
