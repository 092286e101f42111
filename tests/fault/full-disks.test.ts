/** The disks under the two copies of a Multi-AZ instance: really full, and failing at fsync. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DescribeEventsCommand, RebootDBInstanceCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { connect, createInstance, describe, instanceIn, query } from '../support/database.ts'
import { eventually, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { zoneOf } from '../support/processes.ts'
import { cannotMount, FailingDisk, SmallDisk } from '../support/small-disk.ts'

const MIB = 2 ** 20
const ID = 'pair'
/** An instance takes some 60 MiB, a second copy of it is gone before it is made anew. */
const DISK_BYTES = 300 * MIB

const skip = await cannotMount()
/** Put down in reverse order, also where what was to come next could not be had. */
const world = new AsyncDisposableStack()
let holdfast: Holdfast
let rds: RDSClient
let diskOfA: FailingDisk
let diskOfB: SmallDisk

before(async () => {
  if (skip !== false) return
  const state = await newStateFolder()
  world.defer(() => rm(state, { recursive: true }))
  const instancesOf = (zone: string): string => join(state, 'hosts', zone, 'instances')
  const below = world.use(await SmallDisk.mount(join(state, 'device'), 2 * DISK_BYTES))
  diskOfA = world.use(await FailingDisk.mount(instancesOf('a'), below, DISK_BYTES))
  diskOfB = world.use(await SmallDisk.mount(instancesOf('b'), DISK_BYTES))
  holdfast = await startHoldfast({ state })
  world.defer(async () => {
    await holdfast.stop()
    assert.deepEqual(await processesOf(state), [], 'Holdfast left processes behind')
  })
  rds = holdfast.rds()
  await createInstance(rds, ID, { MultiAZ: true, BackupRetentionPeriod: 0 })
  await query(holdfast, await redundantIn('a'), 'create table written (n int primary key)')
})

after(() => world.disposeAsync())

/** Two copies, the first of them in this zone, and room on both disks. */
const redundantIn = (zone: string): Promise<DBInstance> =>
  instanceIn(rds, ID, 'available', (one) => one.MultiAZ === true && zoneOf(one) === zone)

const isAlone = async (): Promise<true | undefined> => ((await describe(rds, ID))!.MultiAZ === false ? true : undefined)

async function events(): Promise<string[]> {
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: ID, Duration: 60 }),
  )
  return Events!.map(({ Message }) => Message!)
}

const countOf = async (pattern: RegExp): Promise<number> => (await events()).filter((text) => pattern.test(text)).length

/** Writes log by the segment until what should come of it has come. Who writes may be ended for it at any time. */
async function writeLogUntil<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  return eventually(what, async () => {
    const found = await look()
    if (found === undefined) await writeLog((await describe(rds, ID))!).catch(() => {})
    return found
  })
}

async function writeLog(instance: DBInstance): Promise<void> {
  const client = await connect(holdfast, instance)
  client.on('error', () => {})
  try {
    await client.query(`select pg_logical_emit_message(false, 'filler', repeat('x', ${8 * MIB}))`)
  } finally {
    await client.end()
  }
}

test(
  'a full disk under the standby: the primary goes on alone and says so, until there is room',
  { skip },
  async () => {
    const instance = await redundantIn('a')
    await query(holdfast, instance, 'truncate written')
    await using writer = new AcknowledgedInserts(holdfast, instance)
    await writer.more(20)
    await diskOfB.fill()
    await writeLogUntil('an instance of one copy', isAlone)
    await eventually('the event', async () => ((await countOf(/runs without its standby/)) > 0 ? true : undefined))
    await writer.more(20)
    await diskOfB.empty()
    await redundantIn('a')
    await writer.more(20)
    await writer.stop()
    assert.equal(writer.failures, 0)
    await writer.assertKept()
    assert.equal(await countOf(/failover started/), 0)
  },
)

test('a full disk under the primary: read-only or taken over, and nothing acknowledged is lost', { skip }, async () => {
  const instance = await redundantIn('a')
  await query(holdfast, instance, 'truncate written')
  await using writer = new AcknowledgedInserts(holdfast, instance)
  await writer.more(20)
  await diskOfA.fill()
  // After a crash the engine comes up, and cannot let anybody in: it may not stay so.
  await writeLogUntil('an instance that is full or has moved, and serves readers', async () => {
    const now = (await describe(rds, ID))!
    if (now.DBInstanceStatus !== 'storage-full' && zoneOf(now) === 'a') return undefined
    return (await query(holdfast, now, 'select 1 as one').catch(() => [])).length === 1 ? true : undefined
  })
  await diskOfA.empty()
  const whole = await instanceIn(rds, ID, 'available', ({ MultiAZ }) => MultiAZ === true)
  await writer.more(20)
  await writer.stop()
  assert.deepEqual(whole.Endpoint, instance.Endpoint)
  await writer.assertKept()
})

test(
  'a disk that fails at fsync under the primary: the standby takes over, with all that was acknowledged',
  { skip },
  async () => {
    // Where the test before left the primary is one of two places.
    if (zoneOf((await describe(rds, ID))!) === 'b')
      await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: ID, ForceFailover: true }))
    const instance = await redundantIn('a')
    await query(holdfast, instance, 'truncate written')
    await using writer = new AcknowledgedInserts(holdfast, instance)
    await writer.more(20)
    await diskOfA.fail()
    await writeLogUntil('a failover', async () => (zoneOf((await describe(rds, ID))!) === 'b' ? true : undefined))
    await diskOfA.replace()
    await writer.more(20)
    const whole = await redundantIn('b')
    await writer.more(20)
    await writer.stop()
    assert.deepEqual(whole.Endpoint, instance.Endpoint)
    await writer.assertKept()
  },
)
