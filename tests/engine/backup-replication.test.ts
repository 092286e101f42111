/** Automated backups in another region, and snapshots copied to it, through the SDK on real PostgreSQL. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CopyDBSnapshotCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBSnapshotsCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
  type DBInstanceAutomatedBackup,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { createInstance, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let here: RDSClient
let there: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  here = holdfast.rds()
  there = holdfast.rds({ region: 'eu-west-1' })
})
after(() => discard(holdfast))

const backupThere = async (): Promise<DBInstanceAutomatedBackup | undefined> =>
  (await there.send(new DescribeDBInstanceAutomatedBackupsCommand({}))).DBInstanceAutomatedBackups![0]

test('the backups of an instance are copied to another region as they are made, and restored there when it is gone', async () => {
  const instance = await createInstance(here, 'orders')
  const SourceDBInstanceArn = instance.DBInstanceArn!
  const start = new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn, BackupRetentionPeriod: 3 })
  await assert.rejects(here.send(start), { name: 'InvalidParameterValue' })
  const { DBInstanceAutomatedBackup } = await there.send(start)
  assert.match(DBInstanceAutomatedBackup!.DBInstanceAutomatedBackupsArn!, /^arn:aws:rds:eu-west-1:\d+:auto-backup:ab-/)
  await assert.rejects(there.send(start), { name: 'InvalidDBInstanceStateFault' })
  assert.deepEqual((await describe(here, 'orders'))!.DBInstanceAutomatedBackupsReplications, [
    { DBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackup!.DBInstanceAutomatedBackupsArn },
  ])
  await query(holdfast, instance, 'CREATE TABLE t AS SELECT 42 AS n')
  const [row] = await query<{ ms: string }>(
    holdfast,
    instance,
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS ms',
  )
  const written = Number(row!.ms)
  const copied = await eventually('a copy of all that', async () => {
    const found = await backupThere()
    return found?.RestoreWindow && found.RestoreWindow.LatestTime!.getTime() >= written ? found : undefined
  })
  assert.equal(copied.Status, 'active')
  assert.equal(copied.DBInstanceArn, SourceDBInstanceArn)
  await deleteInstance(here, 'orders')
  const retained = await eventually('a retained copy', async () => {
    const found = await backupThere()
    return found?.Status === 'retained' ? found : undefined
  })
  await there.send(
    new RestoreDBInstanceToPointInTimeCommand({
      SourceDBInstanceAutomatedBackupsArn: retained.DBInstanceAutomatedBackupsArn!,
      TargetDBInstanceIdentifier: 'orders',
      RestoreTime: retained.RestoreWindow!.LatestTime!,
      BackupRetentionPeriod: 0,
    }),
  )
  const back = await instanceIn(there, 'orders', 'available')
  assert.ok(back.AvailabilityZone!.startsWith('eu-west-1'))
  assert.deepEqual(await query(holdfast, back, 'SELECT n FROM t'), [{ n: 42 }])
  await deleteInstance(there, 'orders')
  const { DBInstanceAutomatedBackupsArn } = retained
  await there.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn }))
  assert.equal(await backupThere(), undefined)
})

test('replication that is stopped leaves what was copied, and can be started again', async () => {
  const { DBInstanceArn: SourceDBInstanceArn } = await createInstance(here, 'sales')
  await there.send(new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }))
  const replicated = await eventually('a copy', backupThere)
  const { DBInstanceAutomatedBackupsArn } = replicated
  await assert.rejects(there.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn })), {
    name: 'InvalidDBInstanceAutomatedBackupStateFault',
  })
  const stop = new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: SourceDBInstanceArn! })
  await there.send(stop)
  assert.equal((await backupThere())!.Status, 'retained')
  await assert.rejects(there.send(stop), { name: 'InvalidDBInstanceStateFault' })
  await there.send(new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }))
  assert.equal((await backupThere())!.Status, 'active')
  await there.send(stop)
  await there.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn }))
  await deleteInstance(here, 'sales')
})

test('a snapshot is copied to another region by its ARN, and restored there when the original is gone', async () => {
  const instance = await createInstance(here, 'stock', { BackupRetentionPeriod: 0 })
  await query(holdfast, instance, 'CREATE TABLE t AS SELECT 7 AS n')
  const { DBSnapshot } = await here.send(
    new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'stock', DBSnapshotIdentifier: 'first' }),
  )
  await instanceIn(here, 'stock', 'available')
  const copy = new CopyDBSnapshotCommand({
    SourceDBSnapshotIdentifier: DBSnapshot!.DBSnapshotArn!,
    TargetDBSnapshotIdentifier: 'second',
  })
  await there.send(copy)
  await eventually('the copy', async () => {
    const { DBSnapshots } = await there.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'second' }))
    const [found] = DBSnapshots!
    assert.equal(found!.SourceRegion, 'us-east-1')
    return found!.Status === 'available' ? found : undefined
  })
  await deleteInstance(here, 'stock')
  await there.send(
    new RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: 'stock',
      DBSnapshotIdentifier: 'second',
      BackupRetentionPeriod: 0,
    }),
  )
  const restored = await instanceIn(there, 'stock', 'available')
  assert.deepEqual(await query(holdfast, restored, 'SELECT n FROM t'), [{ n: 7 }])
  await deleteInstance(there, 'stock')
})
