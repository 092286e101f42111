import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DBInstanceAutomatedBackup } from '@aws-sdk/client-rds'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import { requestContext } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import type { RequestContext } from '../handler.ts'
import { DeleteDBInstance } from './delete-db-instance.ts'
import { DescribeDBInstanceAutomatedBackups } from './describe-db-instance-automated-backups.ts'
import { DescribeDBInstances } from './describe-db-instances.ts'
import { ModifyDBInstance } from './modify-db-instance.ts'
import { RestoreDBInstanceToPointInTime } from './restore-db-instance-to-point-in-time.ts'
import { StartDBInstanceAutomatedBackupsReplication } from './start-db-instance-automated-backups-replication.ts'
import { StopDBInstanceAutomatedBackupsReplication } from './stop-db-instance-automated-backups-replication.ts'

interface Stage {
  readonly control: SimulatedControl
  readonly here: RequestContext
  readonly there: RequestContext
}

async function stage(retention = 7): Promise<Stage> {
  const control = await simulatedControl()
  const context = requestContext(control)
  await newInstance(control, 'orders', { BackupRetentionPeriod: retention })
  await control.clock.advance(HOUR_MS)
  return { control, here: context, there: { ...context, region: 'eu-west-1' } }
}

const describe = async (context: RequestContext, id: string): Promise<Record<string, unknown>> =>
  (await DescribeDBInstances({ DBInstanceIdentifier: id }, context)).DBInstances![0] as Record<string, unknown>

const backups = async (context: RequestContext): Promise<DBInstanceAutomatedBackup[]> =>
  (await DescribeDBInstanceAutomatedBackups({}, context)).DBInstanceAutomatedBackups!

type Input = Omit<Parameters<typeof RestoreDBInstanceToPointInTime>[0], 'TargetDBInstanceIdentifier'>

const restore = async (context: RequestContext, target: string, input: Input): Promise<unknown> =>
  RestoreDBInstanceToPointInTime({ TargetDBInstanceIdentifier: target, ...input }, context)

test('simulated: an instance is restored to a time within its window, with its settings and default groups', async () => {
  const { control, here } = await stage()
  const latest = (await describe(here, 'orders'))['LatestRestorableTime']
  assert.deepEqual(latest, new Date(control.clock.now()))
  const source = { SourceDBInstanceIdentifier: 'orders' }
  const RestoreTime = new Date(control.clock.now() - 30 * MINUTE_MS)
  await restore(here, 'again', {
    ...source,
    RestoreTime,
    DBInstanceClass: 'db.m6g.large',
    Tags: [{ Key: 'a', Value: 'b' }],
  })
  const restored = await describe(here, 'again')
  assert.equal(restored['DBInstanceStatus'], 'available')
  assert.equal(restored['DBInstanceClass'], 'db.m6g.large')
  assert.equal(restored['BackupRetentionPeriod'], 7)
  assert.deepEqual(restored['TagList'], [{ Key: 'a', Value: 'b' }])
  await restore(here, 'latest', { ...source, UseLatestRestorableTime: true })
  assert.equal((await describe(here, 'latest'))['DBInstanceStatus'], 'available')
  for (const time of [control.clock.now() + 1_000, control.clock.now() - DAY_MS])
    await assert.rejects(restore(here, 'x', { ...source, RestoreTime: new Date(time) }), {
      name: 'InvalidParameterValue',
    })
  await assert.rejects(restore(here, 'x', { ...source, RestoreTime, AllocatedStorage: 21 }), {
    name: 'InvalidParameterCombination',
  })
})

test('simulated: without backups there is no time to restore to; once they are on there is', async () => {
  const { control, here } = await stage(0)
  const source = { SourceDBInstanceIdentifier: 'orders', UseLatestRestorableTime: true }
  await assert.rejects(restore(here, 'x', source), { name: 'PointInTimeRestoreNotEnabledFault' })
  const on = { DBInstanceIdentifier: 'orders', BackupRetentionPeriod: 1, ApplyImmediately: true }
  await ModifyDBInstance(on, here)
  await control.clock.advance(MINUTE_MS)
  await restore(here, 'x', source)
  await ModifyDBInstance({ ...on, BackupRetentionPeriod: 0 }, here)
  await control.clock.advance(MINUTE_MS)
  assert.deepEqual(
    (await backups(here)).map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    ['x'],
  )
})

test('simulated: what a deleted instance left can be restored until its retention period is over', async () => {
  const { control, here } = await stage(2)
  const remove = { DBInstanceIdentifier: 'orders', SkipFinalSnapshot: true, DeleteAutomatedBackups: false }
  await DeleteDBInstance(remove, here)
  const [retained] = await backups(here)
  assert.equal(retained!.Status, 'retained')
  const source = { SourceDbiResourceId: retained!.DbiResourceId!, UseLatestRestorableTime: true }
  await restore(here, 'back', { ...source, BackupRetentionPeriod: 0 })
  await control.clock.advance(2 * DAY_MS + HOUR_MS)
  assert.deepEqual(await backups(here), [])
  await assert.rejects(restore(here, 'late', source), { name: 'DBInstanceAutomatedBackupNotFoundFault' })
})

test('simulated: backups are replicated to another region and restored there', async () => {
  const { control, here, there } = await stage()
  const SourceDBInstanceArn = (await describe(here, 'orders'))['DBInstanceArn'] as string
  await StartDBInstanceAutomatedBackupsReplication({ SourceDBInstanceArn }, there)
  await control.clock.advance(MINUTE_MS)
  const [copy] = await backups(there)
  assert.equal(copy!.Status, 'active')
  assert.equal((await backups(here))[0]!.DBInstanceAutomatedBackupsReplications!.length, 1)
  const { DBInstanceAutomatedBackupsArn } = copy!
  const source = { SourceDBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackupsArn!, UseLatestRestorableTime: true }
  await restore(there, 'orders', source)
  assert.equal((await describe(there, 'orders'))['AvailabilityZone'], 'eu-west-1a')
  await StopDBInstanceAutomatedBackupsReplication({ SourceDBInstanceArn }, there)
  assert.deepEqual((await describe(here, 'orders'))['DBInstanceAutomatedBackupsReplications'], undefined)
  await control.clock.advance(8 * DAY_MS)
  assert.equal(
    (await backups(there)).some((one) => one.DBInstanceAutomatedBackupsArn === DBInstanceAutomatedBackupsArn),
    false,
    'the copy has had its time',
  )
  for (const SourceDBInstanceArn of ['orders', 'arn:aws:rds:us-east-1:000000000000:snapshot:x'])
    await assert.rejects(async () => StartDBInstanceAutomatedBackupsReplication({ SourceDBInstanceArn }, there), {
      name: 'InvalidParameterValue',
    })
})
