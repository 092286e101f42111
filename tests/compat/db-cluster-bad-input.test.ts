/** Every wrong request about DB clusters and their members gets RDS's own code and HTTP status, and changes nothing. */
import { before } from 'node:test'
import { NONE, refusals, type Row } from '../support/bad-input.ts'
import type { Members } from '../support/form.ts'

const VALUE = 'InvalidParameterValue'
const COMBINATION = 'InvalidParameterCombination'
const STATE = 'InvalidDBClusterStateFault'
const UNKNOWN = 'DBClusterNotFoundFault'

const GOOD: Members = {
  DBClusterIdentifier: 'new',
  Engine: 'postgres',
  DBClusterInstanceClass: 'db.m6gd.large',
  AllocatedStorage: 100,
  Iops: 1000,
  MasterUsername: 'app',
  MasterUserPassword: 'correct-horse-battery',
  BackupRetentionPeriod: 0,
}

const { make, rows } = await refusals({
  views: [
    'DescribeDBClusterParameterGroups',
    'DescribeDBClusters',
    'DescribeDBInstances',
    'DescribeDBSnapshots',
    'DescribeEvents',
  ],
  status: {
    [UNKNOWN]: 404,
    CertificateNotFound: 404,
    DBClusterParameterGroupNotFound: 404,
    DBParameterGroupNotFound: 404,
    DBSubnetGroupNotFoundFault: 404,
  },
})

before(async () => {
  for (const [name, major] of [
    ['own', 18],
    ['used', 18],
    ['old', 17],
  ] as const)
    await make('CreateDBClusterParameterGroup', {
      DBClusterParameterGroupName: name,
      DBParameterGroupFamily: `postgres${major}`,
      Description: 'a group',
    })
  await make('CreateDBCluster', { ...GOOD, DBClusterIdentifier: 'orders', DBClusterParameterGroupName: 'used' })
  await make('CreateDBCluster', { ...GOOD, DBClusterIdentifier: 'guarded', DeletionProtection: true })
  await make('CreateDBInstance', {
    DBInstanceIdentifier: 'taken-instance-2',
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'app',
    MasterUserPassword: 'correct-horse-battery',
  })
})

const ARN = 'arn:aws:rds:us-east-1:000000000000'

/** Every operation that names a cluster. */
const NAMELESS: readonly Row[] = [
  ['no name', { DBClusterIdentifier: NONE }, VALUE, /must be provided/],
  ['an unknown cluster', { DBClusterIdentifier: 'nobody' }, UNKNOWN, /nobody/],
  ['an instance', { DBClusterIdentifier: 'orders-instance-1' }, UNKNOWN],
  ['the ARN of an instance', { DBClusterIdentifier: `${ARN}:db:orders` }, UNKNOWN],
  [
    'a cluster of another account',
    { DBClusterIdentifier: 'arn:aws:rds:us-east-1:111111111111:cluster:orders' },
    UNKNOWN,
  ],
  [
    'a cluster in another region',
    { DBClusterIdentifier: 'arn:aws:rds:us-west-2:000000000000:cluster:orders' },
    UNKNOWN,
  ],
]

rows('CreateDBCluster', GOOD, [
  ['no name', { DBClusterIdentifier: NONE }, VALUE, /must be provided/],
  ['a name that is none', { DBClusterIdentifier: '1st' }, VALUE, /not a valid identifier/],
  ['a name with two hyphens', { DBClusterIdentifier: 'a--b' }, VALUE, /not a valid identifier/],
  ['a name that is too long for its members', { DBClusterIdentifier: 'a'.repeat(53) }, VALUE, /not a valid identifier/],
  ['a name that is taken', { DBClusterIdentifier: 'Orders' }, 'DBClusterAlreadyExistsFault'],
  ["a member's name that is taken", { DBClusterIdentifier: 'taken' }, 'DBInstanceAlreadyExists'],
  ['no engine', { Engine: NONE }, VALUE, /must be provided/],
  ['Aurora MySQL', { Engine: 'aurora-mysql' }, VALUE, /aurora-postgresql/],
  ['MySQL', { Engine: 'mysql' }, VALUE, /Invalid DB engine/],
  ['a version that is none', { EngineVersion: '9.0' }, COMBINATION, /Cannot find version/],
  ['no class', { DBClusterInstanceClass: NONE }, VALUE, /DBClusterInstanceClass/],
  ['a class that is none', { DBClusterInstanceClass: 'db.huge' }, VALUE, /Invalid DB Instance class/],
  ['no master user', { MasterUsername: NONE }, VALUE, /MasterUsername/],
  ['a reserved master user', { MasterUsername: 'rdsadmin' }, VALUE],
  ['no password', { MasterUserPassword: NONE }, VALUE, /MasterUserPassword/],
  ['a short password', { MasterUserPassword: 'short' }, VALUE],
  ['a password that RDS is to manage, too', { ManageMasterUserPassword: true }, COMBINATION, /MasterUserPassword/],
  ['no storage', { AllocatedStorage: NONE }, COMBINATION, /size/],
  ['a storage type without provisioned speed', { StorageType: 'gp2' }, COMBINATION, /storage type/],
  ['io1 without IOPS', { Iops: NONE }, COMBINATION, /iops/i],
  ['a port below the range', { Port: 1149 }, VALUE],
  ['a name of a database that is none', { DatabaseName: '1st' }, VALUE],
  ['a parameter group that is none', { DBClusterParameterGroupName: 'none' }, 'DBClusterParameterGroupNotFound'],
  ['a parameter group of another family', { DBClusterParameterGroupName: 'old' }, COMBINATION, /postgres18/],
  ['an unknown subnet group', { DBSubnetGroupName: 'nobody' }, 'DBSubnetGroupNotFoundFault'],
  ['an unknown security group', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-0123456789abcdef0' }, VALUE],
  ['serverless', { EngineMode: 'serverless' }, COMBINATION, /engine mode/],
  ['a global cluster', { GlobalClusterIdentifier: 'world' }, COMBINATION, /isn't supported for Multi-AZ/],
  ['backtracking', { BacktrackWindow: 60 }, COMBINATION, /isn't supported for Multi-AZ/],
  ['a source to replicate', { ReplicationSourceIdentifier: `${ARN}:cluster:x` }, COMBINATION, /isn't supported/],
  ['backups kept for too long', { BackupRetentionPeriod: 36 }, VALUE],
  ['a maintenance window that is none', { PreferredMaintenanceWindow: 'noon' }, VALUE],
])

rows('DescribeDBClusters', {}, [
  ['an unknown cluster', { DBClusterIdentifier: 'nobody' }, UNKNOWN, /nobody/],
  [
    'an unknown filter',
    { 'Filters.Filter.1.Name': 'colour', 'Filters.Filter.1.Values.Value.1': 'red' },
    VALUE,
    /colour/,
  ],
  ['a filter without values', { 'Filters.Filter.1.Name': 'db-cluster-id' }, VALUE],
  ['too few a page', { MaxRecords: 19 }, VALUE],
  ['a marker of nobody', { Marker: 'nobody' }, VALUE],
])

rows('DescribeDBClusterEndpoints', {}, [
  ['an unknown cluster', { DBClusterIdentifier: 'nobody' }, UNKNOWN, /nobody/],
  [
    'an unknown filter',
    { 'Filters.Filter.1.Name': 'colour', 'Filters.Filter.1.Values.Value.1': 'red' },
    VALUE,
    /colour/,
  ],
])

rows('ModifyDBCluster', { DBClusterIdentifier: 'orders', ApplyImmediately: true }, [
  ...NAMELESS,
  ['another port', { Port: 6000 }, COMBINATION, /cannot be changed/],
  ['another name', { NewDBClusterIdentifier: 'other' }, COMBINATION, /NewDBClusterIdentifier/],
  ['an unknown class', { DBClusterInstanceClass: 'db.none' }, VALUE, /db\.none/],
  ['another major version', { EngineVersion: '17.5' }, COMBINATION, /major version upgrades are not available/],
  ['an earlier version', { EngineVersion: '18.3' }, COMBINATION, /cannot go back/],
  ['less storage', { AllocatedStorage: 50, Iops: 1000 }, COMBINATION, /less than the current size/],
  ['more storage, without its speed', { AllocatedStorage: 200 }, COMBINATION, /both the storage size and iops/],
  ['faster storage, without its size', { Iops: 2000 }, COMBINATION, /both the storage size and iops/],
  ['storage of another kind', { StorageType: 'gp2' }, COMBINATION, /gp2/],
  ['backups kept for too long', { BackupRetentionPeriod: 36 }, VALUE],
  ['a certificate of no authority', { CACertificateIdentifier: 'own' }, 'CertificateNotFound', /own/],
  ['an upgrade to another major', { AllowMajorVersionUpgrade: true }, COMBINATION, /Major version/],
  ['a parameter group that is none', { DBClusterParameterGroupName: 'none' }, 'DBClusterParameterGroupNotFound'],
  ['a parameter group of another family', { DBClusterParameterGroupName: 'old' }, COMBINATION, /postgres18/],
  ['an unknown security group', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-0123456789abcdef0' }, VALUE],
  ['a short password', { DeletionProtection: true, MasterUserPassword: 'short' }, VALUE],
  ['a rotation of what RDS does not manage', { RotateMasterUserPassword: true }, COMBINATION, /RDS manages/],
  ['a maintenance window that is none', { PreferredMaintenanceWindow: 'noon' }, VALUE],
  ['a backup window that is none', { PreferredBackupWindow: 'noon' }, VALUE],
  [
    'windows that overlap',
    { PreferredBackupWindow: '04:00-05:00', PreferredMaintenanceWindow: 'sun:04:30-sun:05:30' },
    VALUE,
  ],
  ['option groups', { OptionGroupName: 'own' }, COMBINATION, /isn't supported for Multi-AZ/],
  ['backtracking', { BacktrackWindow: 60 }, COMBINATION, /isn't supported for Multi-AZ/],
  ['serverless', { EngineMode: 'serverless' }, COMBINATION, /engine mode/],
  ['addresses of version 6', { NetworkType: 'DUAL' }, COMBINATION, /IPV4/],
])

rows('FailoverDBCluster', { DBClusterIdentifier: 'orders' }, [
  ...NAMELESS,
  ['to the writer', { TargetDBInstanceIdentifier: 'orders-instance-1' }, COMBINATION, /is the writer/],
  ['to a member of another', { TargetDBInstanceIdentifier: 'guarded-instance-2' }, COMBINATION, /not a member/],
  ['to nobody', { TargetDBInstanceIdentifier: 'nobody' }, COMBINATION, /not a member/],
])

rows('RebootDBCluster', {}, NAMELESS)

for (const action of ['StopDBCluster', 'StartDBCluster'])
  rows(action, { DBClusterIdentifier: 'orders' }, [
    ...NAMELESS,
    ['a Multi-AZ DB cluster', {}, STATE, /isn't supported for the Multi-AZ DB cluster orders/],
  ])

rows('DeleteDBCluster', { DBClusterIdentifier: 'orders', SkipFinalSnapshot: true }, [
  ...NAMELESS,
  ['a protected one', { DBClusterIdentifier: 'guarded' }, COMBINATION, /disable deletion protection/],
  ['without a word on a final snapshot', { SkipFinalSnapshot: NONE }, COMBINATION, /FinalDBSnapshotIdentifier/],
  ['with backups that are to stay', { DeleteAutomatedBackups: false }, COMBINATION, /retained/],
  ['with two words on it', { FinalDBSnapshotIdentifier: 'last' }, COMBINATION, /cannot be specified/],
  [
    'with a final snapshot',
    { SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: 'last' },
    COMBINATION,
    /not available yet/,
  ],
])

const MEMBER: Members = { DBInstanceIdentifier: 'orders-instance-2' }
const SAYS = /is a member of the DB cluster orders/

for (const [action, members] of [
  ['ModifyDBInstance', { ...MEMBER, BackupRetentionPeriod: 1 }],
  ['ModifyDBInstance', { ...MEMBER, NewDBInstanceIdentifier: 'other' }],
  ['ModifyDBInstance', { ...MEMBER, MultiAZ: true }],
  ['DeleteDBInstance', { ...MEMBER, SkipFinalSnapshot: true }],
  ['RebootDBInstance', { ...MEMBER, ForceFailover: true }],
  ['StopDBInstance', MEMBER],
  ['StartDBInstance', MEMBER],
  ['CreateDBSnapshot', { ...MEMBER, DBSnapshotIdentifier: 'one' }],
  ['CreateDBInstanceReadReplica', { DBInstanceIdentifier: 'copy', SourceDBInstanceIdentifier: 'orders-instance-2' }],
  [
    'RestoreDBInstanceToPointInTime',
    {
      SourceDBInstanceIdentifier: 'orders-instance-1',
      TargetDBInstanceIdentifier: 'copy',
      UseLatestRestorableTime: true,
    },
  ],
] as const)
  rows(action, members, [[`a member of a cluster (${Object.keys(members).at(-1)})`, {}, COMBINATION, SAYS]])

rows('PromoteReadReplica', MEMBER, [['a reader of a cluster', {}, 'InvalidDBInstanceState', /not a read replica/]])

const NEW_GROUP = { DBClusterParameterGroupName: 'fresh', DBParameterGroupFamily: 'postgres18', Description: 'a group' }

rows('CreateDBClusterParameterGroup', NEW_GROUP, [
  ['a name that is taken', { DBClusterParameterGroupName: 'own' }, 'DBParameterGroupAlreadyExists'],
  ['a name that is none', { DBClusterParameterGroupName: 'a--b' }, VALUE],
  ['a family of another engine', { DBParameterGroupFamily: 'aurora-mysql8.0' }, VALUE],
])

rows('DeleteDBClusterParameterGroup', {}, [
  ['an unknown group', { DBClusterParameterGroupName: 'none' }, 'DBParameterGroupNotFound'],
  ['a default group', { DBClusterParameterGroupName: 'default.postgres18' }, 'InvalidDBParameterGroupState'],
  ['a group in use', { DBClusterParameterGroupName: 'used' }, 'InvalidDBParameterGroupState'],
])

const changed = (name: string, value: string, method = 'immediate'): Members => ({
  'Parameters.Parameter.1.ParameterName': name,
  'Parameters.Parameter.1.ParameterValue': value,
  'Parameters.Parameter.1.ApplyMethod': method,
})

rows('ModifyDBClusterParameterGroup', { DBClusterParameterGroupName: 'own' }, [
  [
    'an unknown group',
    { DBClusterParameterGroupName: 'none', ...changed('work_mem', '64') },
    'DBParameterGroupNotFound',
  ],
  ['a lag that is none', changed('flow_control.target_standby_apply_lag', '0'), VALUE],
  ['a library that is not here', changed('shared_preload_libraries', 'evil', 'pending-reboot'), VALUE],
  ['a static value at once', changed('max_connections', '50'), COMBINATION],
])

rows('DescribeDBClusterParameters', {}, [
  ['an unknown group', { DBClusterParameterGroupName: 'none' }, 'DBParameterGroupNotFound'],
])
