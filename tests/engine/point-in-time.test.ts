/** Backups in the archive, and what is restored from them, through the SDK on real PostgreSQL. */
import assert from 'node:assert/strict'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBParameterGroupCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeEventsCommand,
  ModifyDBParameterGroupCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type DBInstance,
  type RDSClient,
  type RestoreDBInstanceToPointInTimeCommandInput,
} from '@aws-sdk/client-rds'
import { faultsOfMoment } from '../fault/proof/moment.ts'
import { commitTimes, openBank, readBank, startTransfers, type BankState } from '../support/bank.ts'
import {
  connect,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  query,
} from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
  const group = { DBParameterGroupName: 'times', DBParameterGroupFamily: 'postgres18', Description: 'commit times' }
  await rds.send(new CreateDBParameterGroupCommand(group))
  const ParameterName = 'track_commit_timestamp'
  const Parameters = [{ ParameterName, ParameterValue: '1', ApplyMethod: 'pending-reboot' as const }]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: 'times', Parameters }))
})

after(() => discard(holdfast))

type Restore = Omit<RestoreDBInstanceToPointInTimeCommandInput, 'TargetDBInstanceIdentifier'>

const restore = (target: string, input: Restore): Promise<unknown> =>
  rds.send(new RestoreDBInstanceToPointInTimeCommand({ TargetDBInstanceIdentifier: target, ...input }))

/** Everything that was committed before `time` can be restored. */
async function restorableTo(id: string, time: number): Promise<Date> {
  return eventually(`${id} can be restored to ${new Date(time).toISOString()}`, async () => {
    const latest = (await describe(rds, id))?.LatestRestorableTime
    return latest && latest.getTime() >= time ? latest : undefined
  })
}

async function bankOf(instance: DBInstance): Promise<BankState> {
  const client = await connect(holdfast, instance)
  try {
    return await readBank(client)
  } finally {
    await client.end()
  }
}

/** The moment of the source's clock. */
async function now(instance: DBInstance): Promise<number> {
  const [row] = await query<{ ms: string }>(
    holdfast,
    instance,
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS ms',
  )
  return Number(row!.ms)
}

test('every second of a run can be restored, with exactly what was committed by then', async () => {
  const instance = await createInstance(rds, 'bank', { DBParameterGroupName: 'times' })
  const client = await connect(holdfast, instance)
  await openBank(client)
  const from = Math.ceil((await restorableTo('bank', await now(instance))).getTime() / 1_000) * 1_000
  const traffic = startTransfers(() => connect(holdfast, instance), 3)
  const last = from + 8_000
  await restorableTo('bank', last)
  await traffic.stop()
  const committedAt = await commitTimes(client)
  await client.end()
  assert.ok(traffic.acknowledged.length > 100)
  for (const id of traffic.acknowledged) assert.ok(committedAt.has(id), 'an acknowledged transfer is there')
  for (let time = from; time <= last; time += 1_000) {
    await restore(`bank-${time}`, { SourceDBInstanceIdentifier: 'bank', RestoreTime: new Date(time) })
    const state = await bankOf(await instanceIn(rds, `bank-${time}`, 'available'))
    assert.deepEqual(faultsOfMoment({ committedAt }, time, state), [], new Date(time).toISOString())
    await deleteInstance(rds, `bank-${time}`)
  }
})

test('a restore to the latest time has all that was acknowledged, is an instance of its own, and has backups of its own', async () => {
  const source = (await describe(rds, 'bank'))!
  const before = await bankOf(source)
  await restorableTo('bank', await now(source))
  await restore('latest', { SourceDbiResourceId: source.DbiResourceId!, UseLatestRestorableTime: true })
  const restored = await instanceIn(rds, 'latest', 'available')
  assert.notEqual(restored.DbiResourceId, source.DbiResourceId)
  assert.deepEqual(await bankOf(restored), before)
  const identify =
    'SELECT system_identifier::text AS id, timeline_id AS timeline FROM pg_control_system(), pg_control_checkpoint()'
  const [[original], [own]] = await Promise.all([
    query(holdfast, source, identify),
    query(holdfast, restored, identify),
  ])
  assert.notEqual(own!['id'], original!['id'])
  assert.equal(own!['timeline'], 2)
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceIdentifier: 'latest', SourceType: 'db-instance', Duration: 60 }),
  )
  assert.match(Events!.map(({ Message }) => Message).join('\n'), /Restored from DB instance bank to the latest time/)
  await query(holdfast, restored, 'CREATE TABLE later AS SELECT 1 AS n')
  await restorableTo('latest', await now(restored))
  await restore('again', { SourceDBInstanceIdentifier: 'latest', UseLatestRestorableTime: true })
  const again = await instanceIn(rds, 'again', 'available')
  assert.deepEqual(await query(holdfast, again, 'SELECT n FROM later'), [{ n: 1 }])
  assert.deepEqual(await bankOf(again), before)
  for (const id of ['again', 'latest']) await deleteInstance(rds, id)
})

test('what cannot be restored is refused with what would be right', async () => {
  const latest = (await describe(rds, 'bank'))!.LatestRestorableTime!
  const source = { SourceDBInstanceIdentifier: 'bank' }
  const refusals: [string, Restore, string | RegExp][] = [
    ['later', { ...source, RestoreTime: new Date(latest.getTime() + 3_600_000) }, 'InvalidParameterValue'],
    ['earlier', { ...source, RestoreTime: new Date(0) }, 'InvalidParameterValue'],
    ['both', { ...source, RestoreTime: latest, UseLatestRestorableTime: true }, 'InvalidParameterCombination'],
    ['neither', source, 'InvalidParameterCombination'],
    ['nothing', { UseLatestRestorableTime: true }, 'InvalidParameterCombination'],
    ['bank', { ...source, UseLatestRestorableTime: true }, 'DBInstanceAlreadyExistsFault'],
    ['nobody', { SourceDBInstanceIdentifier: 'nobody', UseLatestRestorableTime: true }, 'DBInstanceNotFoundFault'],
    [
      'nobody',
      { SourceDbiResourceId: 'db-NOBODY', UseLatestRestorableTime: true },
      'DBInstanceAutomatedBackupNotFoundFault',
    ],
  ]
  for (const [target, input, name] of refusals) await assert.rejects(restore(target, input), { name }, target)
  await createInstance(rds, 'plain', { BackupRetentionPeriod: 0 })
  assert.equal((await describe(rds, 'plain'))!.LatestRestorableTime, undefined)
  await assert.rejects(restore('x', { SourceDBInstanceIdentifier: 'plain', UseLatestRestorableTime: true }), {
    name: 'PointInTimeRestoreNotEnabledFault',
  })
  await deleteInstance(rds, 'plain')
})

/** Where the archive of an instance lies. */
const archiveOf = (instance: DBInstance): string =>
  join(holdfast.state, 'archive', 'us-east-1', '000000000000', instance.DbiResourceId!)

async function logPieces(instance: DBInstance): Promise<string[]> {
  const folder = join(archiveOf(instance), 'log', '00000001')
  return (await readdir(folder)).sort().map((name) => join(folder, name))
}

test('a missing piece of the log is named at once, and a damaged one before anything is started', async () => {
  const instance = await createInstance(rds, 'pieces')
  await query(holdfast, instance, 'CREATE TABLE t (n int)')
  // A portion each, in a segment that nothing completes.
  for (let n = 0; n < 4; n++) {
    await query(holdfast, instance, `INSERT INTO t VALUES (${n})`)
    await restorableTo('pieces', await now(instance))
  }
  const input = { SourceDBInstanceIdentifier: 'pieces', UseLatestRestorableTime: true }
  const piece = (await logPieces(instance)).at(-2)!
  await rename(piece, join(holdfast.state, 'kept'))
  await assert.rejects(restore('broken', input), (error: Error) => {
    assert.equal(error.name, 'InvalidRestoreFault')
    assert.match(error.message, /the log of timeline 1 from 0\/[0-9A-F]+ to 0\/[0-9A-F]+.*restored up to 20\d\d-/)
    return true
  })
  await rename(join(holdfast.state, 'kept'), piece)
  const content = await readFile(piece)
  const damaged = Buffer.from(content)
  damaged[damaged.length >> 1]! ^= 1
  await writeFile(piece, damaged)
  await restore('broken', input)
  const broken = await instanceIn(rds, 'broken', 'incompatible-restore')
  assert.match(broken.StatusInfos![0]!.Message!, /the log of timeline 1 from .* is damaged.*restored up to 20\d\d-/)
  await deleteInstance(rds, 'broken')
  await writeFile(piece, content)
  const base = join(archiveOf(instance), 'base')
  const first = join(base, (await readdir(base))[0]!, '000000')
  await rename(first, join(holdfast.state, 'kept'))
  await assert.rejects(restore('broken', input), { name: 'InvalidRestoreFault', message: /piece 0 of the base backup/ })
  await rename(join(holdfast.state, 'kept'), first)
  await restore('whole', input)
  const whole = await instanceIn(rds, 'whole', 'available')
  assert.deepEqual(await query(holdfast, whole, 'SELECT count(*)::int AS n FROM t'), [{ n: 4 }])
  for (const id of ['whole', 'pieces']) await deleteInstance(rds, id)
})

test('a retained backup outlives its instance and is restored by resource id; deleted, nothing of it is left', async () => {
  const instance = await createInstance(rds, 'gone')
  await query(holdfast, instance, 'CREATE TABLE t AS SELECT 42 AS n')
  await restorableTo('gone', await now(instance))
  const remove = { DBInstanceIdentifier: 'gone', SkipFinalSnapshot: true, DeleteAutomatedBackups: false }
  await rds.send(new DeleteDBInstanceCommand(remove))
  await instanceGone(rds, 'gone')
  const { DbiResourceId } = instance
  const list = async (): Promise<unknown[]> =>
    (await rds.send(new DescribeDBInstanceAutomatedBackupsCommand({}))).DBInstanceAutomatedBackups!.filter(
      (one) => one.DbiResourceId === DbiResourceId,
    )
  const [retained] = (await list()) as { Status?: string; RestoreWindow?: { EarliestTime?: Date; LatestTime?: Date } }[]
  assert.equal(retained!.Status, 'retained')
  assert.ok(retained!.RestoreWindow!.LatestTime! >= retained!.RestoreWindow!.EarliestTime!)
  await restore('back', { SourceDbiResourceId: DbiResourceId!, UseLatestRestorableTime: true })
  const back = await instanceIn(rds, 'back', 'available')
  assert.deepEqual(await query(holdfast, back, 'SELECT n FROM t'), [{ n: 42 }])
  await deleteInstance(rds, 'back')
  await rds.send(new DeleteDBInstanceAutomatedBackupCommand({ DbiResourceId }))
  assert.deepEqual(await list(), [])
  await eventually('an empty archive', async () => {
    const names = await readdir(archiveOf(instance)).catch(() => [])
    return names.length === 0 ? true : undefined
  })
})

test('a deleted instance leaves nothing in the archive unless that was asked for', async () => {
  const bank = (await describe(rds, 'bank'))!
  await deleteInstance(rds, 'bank')
  assert.deepEqual(await readdir(archiveOf(bank)).catch(() => []), [])
})
