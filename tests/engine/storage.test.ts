/** Allocated storage is real: an instance that fills it up is protected, and comes out of it. */
import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  DescribeEventsCommand,
  ModifyDBInstanceCommand,
  RebootDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { connect, createInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const UNIT_BYTES = 32 * 2 ** 20
const ALLOCATED = 20

let holdfast: Holdfast
let rds: RDSClient
let instance: DBInstance

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_STORAGE_UNIT_BYTES: String(UNIT_BYTES) } })
  rds = holdfast.rds()
  // What a vacuum gives back, or log that the archive has got, would make the instance available when a test expects it full.
  instance = await createInstance(rds, 'filling', { AllocatedStorage: ALLOCATED, BackupRetentionPeriod: 0 })
  await query(holdfast, instance, 'CREATE TABLE filler (t text) WITH (autovacuum_enabled = off)')
  await query(holdfast, instance, 'CREATE TABLE kept AS SELECT 42 AS answer')
})

after(() => discard(holdfast))

const READ_ONLY = '25006'
const ENDED = '57P01'

/** Writes some MB in each transaction until that is refused; by which error. */
async function fill({ insisting = false } = {}): Promise<string> {
  const client = await connect(holdfast, instance)
  client.on('error', () => {})
  try {
    if (insisting) await client.query('SET default_transaction_read_only = off')
    for (;;) {
      await client.query(`INSERT INTO filler SELECT repeat(md5(n::text), 50) FROM generate_series(1, 2500) n`)
      // At the speed of an ordinary disk: an instance of half a GiB is full in a moment else.
      if (!insisting) await usedBytes()
    }
  } catch (error) {
    // The connection of who is ended may be gone before it hears why.
    return (error as { code?: string }).code ?? ENDED
  } finally {
    await client.end().catch(() => {})
  }
}

/** What an instance of this size keeps of its storage, and a segment of the log. */
const RESERVE_BYTES = 32 * 2 ** 20
const SEGMENT_BYTES = 16 * 2 ** 20

/**
 * Until nothing is taken and nothing can be given back: segments that the engine had in stock for log to come are written
 * full, so that a checkpoint removes them. What is left of the log is too little to make the instance available again.
 */
async function fillUp(): Promise<void> {
  await eventually('an instance that takes nothing', async () => {
    await fill()
    await query(
      holdfast,
      instance,
      `SELECT pg_logical_emit_message(false, 'filler', repeat('x', ${SEGMENT_BYTES / 2}))`,
    )
    await query(holdfast, instance, 'CHECKPOINT')
    const code = await fill()
    const { DBInstanceStatus: status, AllocatedStorage: allocated } = (await describe(rds, 'filling'))!
    const freeBytes = allocated! * UNIT_BYTES - (await usedBytes())
    const isFull = code === READ_ONLY && status === 'storage-full' && freeBytes <= RESERVE_BYTES
    return isFull && (await logBytes()) <= 2 * SEGMENT_BYTES ? true : undefined
  })
}

async function logBytes(): Promise<number> {
  const names = await readdir(join(dataFolder(), 'pg_wal'))
  return names.filter((name) => /^[0-9A-F]{24}$/.test(name)).length * SEGMENT_BYTES
}

const dataFolder = (): string => join(holdfast.state, 'hosts', 'a', 'instances', instance.DbiResourceId!, 'data')

async function usedBytes(): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(dataFolder(), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}

async function eventIds(): Promise<string[]> {
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'filling', Duration: 60 }),
  )
  return Events!.map(({ Message }) => Message!)
}

const writable = (): Promise<true> =>
  eventually('a write that is taken', async () => {
    await query(holdfast, instance, 'INSERT INTO kept VALUES (43)')
    return true as const
  })

test('an instance that fills up turns storage-full before its storage is used up, and serves readers', async () => {
  await fillUp()
  const full = (await describe(rds, 'filling'))!
  assert.match(full.StatusInfos![0]!.Message!, /Raise AllocatedStorage/)
  // So small a storage is passed by more or less before anybody has looked, on a busy machine by more.
  assert.ok((await usedBytes()) < 2 * ALLOCATED * UNIT_BYTES, `${await usedBytes()} bytes`)
  assert.deepEqual(await query(holdfast, instance, 'SELECT answer FROM kept WHERE answer = 42'), [{ answer: 42 }])
  const events = await eventually('the events', async () => {
    const found = await eventIds()
    return found.some((message) => message.includes('storage-full')) ? found : undefined
  })
  assert.ok(
    events.some((message) => /Free storage is low. \d+\.\d percent/.test(message)),
    events.join('\n'),
  )
  assert.ok(
    events.some((message) => /exhausted/.test(message)),
    events.join('\n'),
  )
  await assert.rejects(rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'filling' })), /storage-full/)
})

/** With a checkpoint more or less of the log an instance may be just full or just not: the status says what the engine does. */
const statusIsTrue = (): Promise<true> =>
  eventually('a status that is true', async () => {
    const [{ value } = {}] = await query<{ value: string }>(
      holdfast,
      instance,
      `SELECT current_setting('default_transaction_read_only') AS value`,
    )
    const status = (await describe(rds, 'filling'))!.DBInstanceStatus
    return status === (value === 'on' ? 'storage-full' : 'available') ? true : undefined
  })

test('a full instance can be rebooted, and its status is true over that and over a death of Holdfast', async () => {
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'filling' }))
  await eventually('the end of the reboot', async () =>
    (await describe(rds, 'filling'))!.DBInstanceStatus === 'rebooting' ? undefined : true,
  )
  await statusIsTrue()
  await fillUp()
  await holdfast.kill()
  holdfast = await startHoldfast({
    state: holdfast.state,
    env: { HOLDFAST_STORAGE_UNIT_BYTES: String(UNIT_BYTES) },
  })
  rds = holdfast.rds()
  await statusIsTrue()
})

test('more allocated storage makes it available again, and more still has to wait for six hours', async () => {
  const modify = (AllocatedStorage: number): Promise<unknown> =>
    rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'filling', AllocatedStorage, ApplyImmediately: true }))
  const enough = Math.ceil((1.3 * (await usedBytes())) / UNIT_BYTES)
  await modify(enough)
  await instanceIn(rds, 'filling', 'available', ({ AllocatedStorage }) => AllocatedStorage === enough)
  await writable()
  const events = (await eventIds()).join('\n')
  assert.match(events, /Applying modification to allocated storage/)
  assert.match(events, /Finished applying modification to allocated storage/)
  await assert.rejects(modify(2 * enough), (error: Error) => {
    assert.equal(error.name, 'InvalidParameterCombination')
    assert.match(error.message, /previous storage change is being optimized/)
    return true
  })
})

test('deleting makes it available again too', async () => {
  await fillUp()
  await assert.rejects(query(holdfast, instance, 'TRUNCATE filler'), { code: READ_ONLY })
  await query(holdfast, instance, 'BEGIN READ WRITE; TRUNCATE filler; COMMIT')
  await instanceIn(rds, 'filling', 'available')
  await writable()
})

test('a master user who insists on filling is ended before there is no storage left', async () => {
  await fillUp()
  const before = await usedBytes()
  const allocated = (await describe(rds, 'filling'))!.AllocatedStorage!
  let ended = 0
  for (let attempt = 0; attempt < 3; attempt++) if ((await fill({ insisting: true })) === ENDED) ended++
  assert.equal(ended, 3)
  console.log(`used: ${before} bytes before, ${await usedBytes()} after, ${allocated * UNIT_BYTES} allocated`)
  assert.deepEqual(await query(holdfast, instance, 'SELECT answer FROM kept WHERE answer = 42'), [{ answer: 42 }])
})
