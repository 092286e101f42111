import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DBInstanceAutomatedBackup } from '@aws-sdk/client-rds'
import { DAY_MS, HOUR_MS } from '#base/durations.ts'
import { requestContext } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import type { RequestContext } from '../handler.ts'
import { DeleteDBInstance } from './delete-db-instance.ts'
import { DeleteDBInstanceAutomatedBackup } from './delete-db-instance-automated-backup.ts'
import { DescribeDBInstanceAutomatedBackups } from './describe-db-instance-automated-backups.ts'
import { DescribeDBSnapshots } from './describe-db-snapshots.ts'

const NOT_FOUND = { name: 'DBInstanceAutomatedBackupNotFoundFault' }

/** `orders` is backed up and has two snapshots, `quiet` is not. */
async function withBackups(): Promise<{ control: SimulatedControl; context: RequestContext; resourceId: string }> {
  const control = await simulatedControl()
  const { resourceId } = await newInstance(control, 'orders', {
    BackupRetentionPeriod: 7,
    PreferredBackupWindow: '05:00-05:30',
    PreferredMaintenanceWindow: 'sun:12:00-sun:12:30',
  })
  await newInstance(control, 'quiet', { BackupRetentionPeriod: 0 })
  await control.clock.advance(DAY_MS + 6 * HOUR_MS)
  return { control, context: requestContext(control), resourceId }
}

type Query = Parameters<typeof DescribeDBInstanceAutomatedBackups>[0]

const backups = async (context: RequestContext, query: Query = {}): Promise<DBInstanceAutomatedBackup[]> =>
  (await DescribeDBInstanceAutomatedBackups(query, context)).DBInstanceAutomatedBackups!

const retain = (context: RequestContext): unknown =>
  DeleteDBInstance({ DBInstanceIdentifier: 'orders', SkipFinalSnapshot: true, DeleteAutomatedBackups: false }, context)

test('an instance with backups has an active automated backup, from its creation on until now', async () => {
  const { context, resourceId } = await withBackups()
  const [found, ...others] = await backups(context)
  assert.deepEqual(others, [])
  const { Status, DBInstanceIdentifier, DbiResourceId, BackupRetentionPeriod, RestoreWindow, VpcId } = found!
  assert.deepEqual([Status, DBInstanceIdentifier, DbiResourceId], ['active', 'orders', resourceId])
  assert.equal(BackupRetentionPeriod, 7)
  assert.match(VpcId!, /^vpc-/)
  assert.deepEqual(RestoreWindow, {
    EarliestTime: new Date(Date.UTC(2026, 0, 1)),
    LatestTime: new Date(Date.UTC(2026, 0, 2, 6)),
  })
  assert.equal(
    found!.DBInstanceAutomatedBackupsArn,
    `arn:aws:rds:us-east-1:000000000000:auto-backup:${resourceId.replace('db-', 'ab-')}`,
  )
})

test('automated backups are found by identifier, resource id, ARN and filter, in any case', async () => {
  const { context, resourceId } = await withBackups()
  const DBInstanceAutomatedBackupsArn = (await backups(context))[0]!.DBInstanceAutomatedBackupsArn!
  const filter = (Name: string, ...Values: string[]): Query => ({ Filters: [{ Name, Values }] })
  for (const query of [
    { DBInstanceIdentifier: 'ORDERS' },
    { DbiResourceId: resourceId.toLowerCase() },
    { DBInstanceAutomatedBackupsArn },
    filter('status', 'active', 'retained'),
    filter('db-instance-id', 'arn:aws:rds:us-east-1:000000000000:db:orders'),
    filter('dbi-resource-id', 'db-OTHER', resourceId),
  ])
    assert.equal((await backups(context, query)).length, 1, JSON.stringify(query))
  assert.deepEqual(await backups(context, filter('status', 'retained')), [])
  assert.deepEqual(await backups(context, filter('db-instance-id', 'quiet')), [])
  await assert.rejects(backups(context, filter('colour', 'red')), { name: 'InvalidParameterValue' })
  for (const query of [{ DBInstanceIdentifier: 'quiet' }, { DbiResourceId: 'db-OTHER' }])
    await assert.rejects(backups(context, query), NOT_FOUND)
})

test('the automated backup of a deleted instance is there where it was to be retained, and only there', async () => {
  const { context, resourceId } = await withBackups()
  await retain(context)
  await DeleteDBInstance({ DBInstanceIdentifier: 'quiet', SkipFinalSnapshot: true }, context)
  const found = await backups(context)
  assert.deepEqual(
    found.map((one) => [one.DbiResourceId, one.Status, one.DBInstanceIdentifier]),
    [[resourceId, 'retained', 'orders']],
  )
})

test('a retained automated backup is deleted with its snapshots', async () => {
  const { context, control, resourceId } = await withBackups()
  await retain(context)
  const { DBInstanceAutomatedBackup } = await DeleteDBInstanceAutomatedBackup({ DbiResourceId: resourceId }, context)
  assert.equal(DBInstanceAutomatedBackup!.Status, 'deleting')
  assert.deepEqual(await backups(context), [])
  assert.deepEqual((await DescribeDBSnapshots({}, context)).DBSnapshots, [])
  assert.deepEqual((await control.hosts.ask('a', 'host.contents', {})).snapshots, [])
  await assert.rejects(async () => DeleteDBInstanceAutomatedBackup({ DbiResourceId: resourceId }, context), NOT_FOUND)
})

test('the automated backup of an instance that is there is not deleted by hand', async () => {
  const { context, resourceId } = await withBackups()
  await assert.rejects(async () => DeleteDBInstanceAutomatedBackup({ DbiResourceId: resourceId }, context), {
    name: 'InvalidDBInstanceAutomatedBackupStateFault',
  })
  await assert.rejects(async () => DeleteDBInstanceAutomatedBackup({}, context), {
    name: 'InvalidParameterCombination',
  })
  assert.equal((await backups(context)).length, 1)
})
