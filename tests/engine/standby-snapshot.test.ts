/** Backups of a Multi-AZ instance on real PostgreSQL: copies of its standby that lack nothing which was acknowledged. */
import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBSnapshotCommand,
  DescribeEventsCommand,
  DescribeDBSnapshotsCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { switchBackupsOn } from '../fault/flow-walk/requests.ts'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import { createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { engineOf, treeOf } from '../support/processes.ts'

let holdfast: Holdfast
let rds: RDSClient
let pair: DBInstance

const redundant = (): Promise<DBInstance> => instanceIn(rds, 'pair', 'available', ({ MultiAZ }) => MultiAZ === true)

const isTaken = (type: 'manual' | 'automated', count = 1): Promise<true> =>
  eventually(`a snapshot, ${type}`, async () => {
    const asked = { DBInstanceIdentifier: 'pair', SnapshotType: type }
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand(asked))
    assert.ok(DBSnapshots!.every(({ Status }) => Status !== 'failed'))
    return DBSnapshots!.filter(({ Status }) => Status === 'available').length === count ? true : undefined
  })

/** Of which engines the snapshots on disk are copies, in PostgreSQL's own words. */
async function origins(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const folder = join(holdfast.state, 'snapshots')
  for (const name of await readdir(folder)) {
    const label = await readFile(join(folder, name, 'data', 'backup_label'), 'utf8').catch(() => '')
    const origin = /^BACKUP FROM: (\w+)/m.exec(label)?.[1]
    if (origin !== undefined) found.set(name, origin)
  }
  return found
}

/** The origins of the snapshots that are there once `act` is done and were not before. */
async function originsOf(act: () => Promise<unknown>): Promise<string[]> {
  const before = await origins()
  await act()
  return [...(await origins())].flatMap(([name, origin]) => (before.has(name) ? [] : [origin]))
}

let taken = 0

/** A snapshot of the standby. A machine that stood still may have cost the instance its standby for a moment: then another. */
async function take(): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt++) {
    await redundant()
    const id = `taken-${++taken}`
    await redundant()
    const made = await originsOf(async () => {
      await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'pair', DBSnapshotIdentifier: id }))
      await isTaken('manual', taken)
    })
    if (made.includes('standby')) return id
    assert.ok(await wasAlone(), 'there was a standby, and the primary was copied')
  }
  throw new Error('the instance loses its standby again and again')
}

async function wasAlone(): Promise<boolean> {
  const asked = { SourceType: 'db-instance' as const, SourceIdentifier: 'pair', Duration: 60 }
  const { Events } = await rds.send(new DescribeEventsCommand(asked))
  return Events!.some(({ Message }) => /runs without its standby/.test(Message!))
}

const has = async (instance: DBInstance, n: number): Promise<boolean> =>
  (await query(holdfast, instance, `select 1 from written where n = ${n}`)).length === 1

async function restored(snapshot: string): Promise<DBInstance> {
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: 'copy', DBSnapshotIdentifier: snapshot }),
  )
  return instanceIn(rds, 'copy', 'available')
}

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  await createInstance(rds, 'pair', { MultiAZ: true, BackupRetentionPeriod: 0 })
  pair = await redundant()
  await query(holdfast, pair, 'create table written (n int primary key)')
})
after(() => discard(holdfast))

test('a snapshot is a copy of the standby, taken while clients write', async () => {
  await using writer = new AcknowledgedInserts(holdfast, pair)
  await writer.more(50)
  const last = writer.acknowledged.at(-1)!
  const snapshot = await take()
  await writer.stop()
  assert.equal(writer.failures, 0)
  const copy = await restored(snapshot)
  assert.ok(await has(copy, last))
  await query(holdfast, copy, 'insert into written values (-1)')
  await deleteInstance(rds, 'copy')
})

test('what the standby has received and not applied yet is in the snapshot', async () => {
  const standby = await engineOf(holdfast.state, (await redundant()).SecondaryAvailabilityZone!.at(-1)!, pair)
  const applying = await startupOf(standby)
  let snapshot: string
  process.kill(applying, 'SIGSTOP')
  try {
    // More than a segment of the log, which ends with the row that is looked for.
    await query(holdfast, pair, 'create table filler as select md5(n::text) from generate_series(1, 400000) n')
    await query(holdfast, pair, 'insert into written values (-2)')
    snapshot = await take()
  } finally {
    process.kill(applying, 'SIGCONT')
  }
  const copy = await restored(snapshot)
  assert.ok(await has(copy, -2))
  await deleteInstance(rds, 'copy')
})

test('the backup of the window is a copy of the standby, and a restore to a time begins with it', async () => {
  const made = await originsOf(async () => {
    await switchBackupsOn(rds, 'pair')
    await isTaken('automated')
  })
  assert.ok(made.includes('standby') || (await wasAlone()))
  await redundant()
  await query(holdfast, pair, 'insert into written values (-3)')
  const time = Date.now()
  await eventually('a time that can be restored', async () =>
    ((await describe(rds, 'pair'))?.LatestRestorableTime?.getTime() ?? 0) >= time ? true : undefined,
  )
  await rds.send(
    new RestoreDBInstanceToPointInTimeCommand({
      SourceDBInstanceIdentifier: 'pair',
      TargetDBInstanceIdentifier: 'then',
      RestoreTime: new Date(time),
    }),
  )
  assert.ok(await has(await instanceIn(rds, 'then', 'available'), -3))
})

/** The process of a standby's engine that applies the log. */
async function startupOf(engine: number): Promise<number> {
  for (const pid of await treeOf(engine))
    if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).startsWith('postgres: startup')) return pid
  throw new Error('nobody applies the log')
}
