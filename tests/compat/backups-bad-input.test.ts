/** Wrong requests about automated backups and points in time get RDS's own codes, and change nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sendForm, type Members } from '../support/form.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast

const INSTANCE = {
  Engine: 'postgres',
  DBInstanceClass: 'db.t4g.micro',
  AllocatedStorage: 20,
  MasterUsername: 'app',
  MasterUserPassword: 'correct-horse-battery',
} as const satisfies Members

before(async () => {
  holdfast = await startHoldfast({ engines: 'simulated' })
  for (const [DBInstanceIdentifier, BackupRetentionPeriod] of [
    ['backed', 7],
    ['plain', 0],
  ] as const) {
    const members = { ...INSTANCE, DBInstanceIdentifier, BackupRetentionPeriod }
    assert.equal((await sendForm(holdfast, 'CreateDBInstance', members)).status, 200)
  }
  const { DBInstanceClass: _none, ...login } = INSTANCE
  const cluster = { ...login, DBClusterInstanceClass: 'db.m6gd.large', AllocatedStorage: 100, Iops: 1000 }
  for (const [DBClusterIdentifier, BackupRetentionPeriod] of [
    ['backed-up', 7],
    ['not-backed-up', 0],
  ] as const) {
    const members = { ...cluster, DBClusterIdentifier, BackupRetentionPeriod }
    assert.equal((await sendForm(holdfast, 'CreateDBCluster', members)).status, 200)
  }
  const taken = { DBClusterIdentifier: 'backed-up', DBClusterSnapshotIdentifier: 'taken' }
  await eventually('a snapshot of the cluster', async () =>
    (await sendForm(holdfast, 'CreateDBClusterSnapshot', taken)).status === 200 ? true : undefined,
  )
  await eventually('a backup of the cluster', async () =>
    (await sendForm(holdfast, 'DescribeDBClusters', {})).body.includes('EarliestRestorableTime') ? true : undefined,
  )
})
after(() => discard(holdfast))

const CLUSTER = {
  SourceDBClusterIdentifier: 'backed-up',
  DBClusterIdentifier: 'new',
  UseLatestRestorableTime: true,
}

const BACKED = {
  SourceDBInstanceIdentifier: 'backed',
  TargetDBInstanceIdentifier: 'new',
  UseLatestRestorableTime: true,
}
const SNAPSHOT = { DBClusterIdentifier: 'backed-up', DBClusterSnapshotIdentifier: 'new' }
const COPY = { SourceDBClusterSnapshotIdentifier: 'taken', TargetDBClusterSnapshotIdentifier: 'new' }
const ARN = 'arn:aws:rds:us-east-1:000000000000:db:backed'

const WRONG: readonly (readonly [action: string, members: Members, code: string])[] = [
  ['RestoreDBInstanceToPointInTime', { ...BACKED, TargetDBInstanceIdentifier: '1st' }, 'InvalidParameterValue'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, TargetDBInstanceIdentifier: 'plain' }, 'DBInstanceAlreadyExists'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, SourceDBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  [
    'RestoreDBInstanceToPointInTime',
    { ...BACKED, SourceDBInstanceIdentifier: 'plain' },
    'PointInTimeRestoreNotEnabled',
  ],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, SourceDbiResourceId: 'db-X' }, 'InvalidParameterCombination'],
  [
    'RestoreDBInstanceToPointInTime',
    { TargetDBInstanceIdentifier: 'new', SourceDbiResourceId: 'db-X', UseLatestRestorableTime: true },
    'DBInstanceAutomatedBackupNotFound',
  ],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, RestoreTime: '2026-01-01T00:00:00Z' }, 'InvalidParameterCombination'],
  [
    'RestoreDBInstanceToPointInTime',
    { ...BACKED, UseLatestRestorableTime: false, RestoreTime: '2020-01-01T00:00:00Z' },
    'InvalidParameterValue',
  ],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, UseLatestRestorableTime: false }, 'InvalidParameterCombination'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, AllocatedStorage: 21 }, 'InvalidParameterCombination'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, Engine: 'mysql' }, 'InvalidParameterCombination'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, DBName: 'shop' }, 'InvalidParameterCombination'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, AvailabilityZone: 'eu-west-1a' }, 'InvalidParameterValue'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, DBParameterGroupName: 'none' }, 'DBParameterGroupNotFound'],
  ['RestoreDBInstanceToPointInTime', { ...BACKED, BackupRetentionPeriod: 36 }, 'InvalidParameterValue'],
  ['StartDBInstanceAutomatedBackupsReplication', { SourceDBInstanceArn: ARN }, 'InvalidParameterValue'],
  ['StartDBInstanceAutomatedBackupsReplication', { SourceDBInstanceArn: 'backed' }, 'InvalidParameterValue'],
  [
    'StartDBInstanceAutomatedBackupsReplication',
    { SourceDBInstanceArn: 'arn:aws:rds:eu-west-1:000000000000:db:nobody' },
    'DBInstanceNotFound',
  ],
  [
    'StopDBInstanceAutomatedBackupsReplication',
    { SourceDBInstanceArn: 'arn:aws:rds:eu-west-1:000000000000:db:nobody' },
    'DBInstanceAutomatedBackupNotFound',
  ],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, DBClusterIdentifier: '1st' }, 'InvalidParameterValue'],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, DBClusterIdentifier: 'backed-up' }, 'DBClusterAlreadyExistsFault'],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, SourceDBClusterIdentifier: 'nobody' }, 'DBClusterNotFoundFault'],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, SourceDBClusterIdentifier: 'not-backed-up' }, 'InvalidRestoreFault'],
  [
    'RestoreDBClusterToPointInTime',
    { ...CLUSTER, SourceDbClusterResourceId: 'cluster-X' },
    'InvalidParameterCombination',
  ],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, UseLatestRestorableTime: false }, 'InvalidParameterCombination'],
  [
    'RestoreDBClusterToPointInTime',
    { ...CLUSTER, UseLatestRestorableTime: false, RestoreToTime: '2020-01-01T00:00:00Z' },
    'InvalidParameterValue',
  ],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, RestoreType: 'copy-on-write' }, 'InvalidParameterCombination'],
  [
    'RestoreDBClusterToPointInTime',
    { ...CLUSTER, DBClusterParameterGroupName: 'none' },
    'DBClusterParameterGroupNotFound',
  ],
  ['RestoreDBClusterToPointInTime', { ...CLUSTER, Domain: 'd-1' }, 'InvalidParameterCombination'],
  ['CreateDBClusterSnapshot', { ...SNAPSHOT, DBClusterIdentifier: 'nobody' }, 'DBClusterNotFoundFault'],
  ['CreateDBClusterSnapshot', { ...SNAPSHOT, DBClusterSnapshotIdentifier: 'rds:new' }, 'InvalidParameterValue'],
  ['DeleteDBClusterSnapshot', { DBClusterSnapshotIdentifier: 'none' }, 'DBClusterSnapshotNotFoundFault'],
  ['CopyDBClusterSnapshot', { ...COPY, SourceDBClusterSnapshotIdentifier: 'none' }, 'DBClusterSnapshotNotFoundFault'],
  [
    'CopyDBClusterSnapshot',
    { ...COPY, SourceDBClusterSnapshotIdentifier: 'arn:aws:rds:eu-west-1:000000000000:cluster-snapshot:taken' },
    'DBClusterSnapshotNotFoundFault',
  ],
  [
    'CopyDBClusterSnapshot',
    { ...COPY, SourceDBClusterSnapshotIdentifier: 'arn:aws:rds:us-east-1:000000000000:snapshot:taken' },
    'DBClusterSnapshotNotFoundFault',
  ],
  [
    'CopyDBClusterSnapshot',
    { ...COPY, SourceDBClusterSnapshotIdentifier: 'arn:aws:rds:us-east-1:111111111111:cluster-snapshot:taken' },
    'DBClusterSnapshotNotFoundFault',
  ],
  [
    'CopyDBClusterSnapshot',
    { ...COPY, TargetDBClusterSnapshotIdentifier: 'TAKEN' },
    'DBClusterSnapshotAlreadyExistsFault',
  ],
  ['CopyDBClusterSnapshot', { ...COPY, TargetDBClusterSnapshotIdentifier: 'rds:new' }, 'InvalidParameterValue'],
  ['CopyDBClusterSnapshot', { ...COPY, TargetDBClusterSnapshotIdentifier: '1st' }, 'InvalidParameterValue'],
  ['CopyDBClusterSnapshot', { TargetDBClusterSnapshotIdentifier: 'new' }, 'InvalidParameterValue'],
  ['DescribeDBClusterSnapshots', { SnapshotType: 'old' }, 'InvalidParameterValue'],
  ['DescribeDBClusterSnapshots', { DBClusterSnapshotIdentifier: 'none' }, 'DBClusterSnapshotNotFoundFault'],
  [
    'RestoreDBInstanceFromDBSnapshot',
    { DBInstanceIdentifier: 'new', DBClusterSnapshotIdentifier: 'none' },
    'DBClusterSnapshotNotFoundFault',
  ],
  [
    'RestoreDBClusterFromSnapshot',
    { DBClusterIdentifier: 'new', SnapshotIdentifier: 'none', Engine: 'postgres' },
    'DBClusterSnapshotNotFoundFault',
  ],
  ['DeleteDBInstanceAutomatedBackup', {}, 'InvalidParameterCombination'],
  ['DeleteDBInstanceAutomatedBackup', { DbiResourceId: 'db-X' }, 'DBInstanceAutomatedBackupNotFound'],
  ['DescribeDBInstanceAutomatedBackups', { DbiResourceId: 'db-X' }, 'DBInstanceAutomatedBackupNotFound'],
]

for (const [action, members, code] of WRONG)
  test(`${action} ${JSON.stringify(members)} is ${code}`, async () => {
    const before = await sendForm(holdfast, 'DescribeDBInstances', {})
    const { status, body } = await sendForm(holdfast, action, members)
    assert.match(body, new RegExp(`<Code>${code}</Code>`))
    assert.ok(status >= 400 && status < 500, `status ${status}`)
    const names = (text: string): string[] => [...text.matchAll(/<DBInstanceIdentifier>([^<]*)</g)].map(([, n]) => n!)
    assert.deepEqual(names((await sendForm(holdfast, 'DescribeDBInstances', {})).body), names(before.body))
  })
