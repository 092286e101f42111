/** Every wrong request about Aurora DB clusters and their instances gets RDS's own code and HTTP status, and changes nothing. */
import { before } from 'node:test'
import { NONE, refusals, type Row } from '../support/bad-input.ts'
import type { Members } from '../support/form.ts'

const VALUE = 'InvalidParameterValue'
const COMBINATION = 'InvalidParameterCombination'
const STATE = 'InvalidDBClusterStateFault'
const UNKNOWN = 'DBClusterNotFoundFault'
const NOBODY = 'DBInstanceNotFound'
const NO_ENDPOINT = 'DBClusterEndpointNotFoundFault'

const CLUSTER: Members = {
  DBClusterIdentifier: 'new',
  Engine: 'aurora-postgresql',
  MasterUsername: 'app',
  MasterUserPassword: 'correct-horse-battery',
}

const INSTANCE: Members = {
  DBInstanceIdentifier: 'new',
  DBClusterIdentifier: 'shop',
  DBInstanceClass: 'db.r6g.large',
  Engine: 'aurora-postgresql',
}

const ENDPOINT: Members = { DBClusterIdentifier: 'shop', DBClusterEndpointIdentifier: 'new', EndpointType: 'READER' }

const MIN = 'ServerlessV2ScalingConfiguration.MinCapacity'
const MAX = 'ServerlessV2ScalingConfiguration.MaxCapacity'
const PAUSE = 'ServerlessV2ScalingConfiguration.SecondsUntilAutoPause'

const { make, rows } = await refusals({
  views: [
    'DescribeDBClusterEndpoints',
    'DescribeDBClusterParameterGroups',
    'DescribeDBClusters',
    'DescribeDBInstances',
    'DescribeEvents',
  ],
  status: {
    [UNKNOWN]: 404,
    [NOBODY]: 404,
    CertificateNotFound: 404,
    DBClusterBacktrackNotFoundFault: 404,
    DBClusterSnapshotNotFoundFault: 404,
    DBClusterEndpointQuotaExceededFault: 403,
    DBClusterParameterGroupNotFound: 404,
    DBParameterGroupNotFound: 404,
    DBSubnetGroupNotFoundFault: 404,
    GlobalClusterNotFoundFault: 404,
  },
})

before(async () => {
  for (const [name, family] of [
    ['old', 'aurora-postgresql17'],
    ['plain', 'postgres18'],
    ['used', 'aurora-postgresql18'],
  ] as const) {
    const group = { DBParameterGroupFamily: family, Description: 'a group' }
    await make('CreateDBClusterParameterGroup', { DBClusterParameterGroupName: name, ...group })
    await make('CreateDBParameterGroup', { DBParameterGroupName: name, ...group })
  }
  await make('CreateDBCluster', {
    ...CLUSTER,
    DBClusterIdentifier: 'shop',
    EngineVersion: '18.4',
    DBClusterParameterGroupName: 'used',
  })
  for (const id of ['one', 'two']) await make('CreateDBInstance', { ...INSTANCE, DBInstanceIdentifier: id })
  await make('CreateDBCluster', { ...CLUSTER, DBClusterIdentifier: 'guarded', DeletionProtection: true })
  await make('CreateDBCluster', { ...CLUSTER, DBClusterIdentifier: 'alone' })
  await make('CreateDBInstance', { ...INSTANCE, DBInstanceIdentifier: 'lone', DBClusterIdentifier: 'alone' })
  await make('CreateDBCluster', { ...CLUSTER, DBClusterIdentifier: 'asleep' })
  await make('StopDBCluster', { DBClusterIdentifier: 'asleep' })
  await make('CreateDBCluster', { ...CLUSTER, DBClusterIdentifier: 'back', BacktrackWindow: 3600 })
  await make('CreateDBClusterSnapshot', { DBClusterIdentifier: 'shop', DBClusterSnapshotIdentifier: 'copy' })
  for (const id of ['b', 'c', 'd', 'e', 'own'])
    await make('CreateDBClusterEndpoint', { ...ENDPOINT, DBClusterEndpointIdentifier: id })
})

const ARN = 'arn:aws:rds:us-east-1:000000000000'

/** Every operation that names a cluster. */
const NAMELESS: readonly Row[] = [
  ['no name', { DBClusterIdentifier: NONE }, VALUE, /must be provided/],
  ['an unknown cluster', { DBClusterIdentifier: 'nobody' }, UNKNOWN, /nobody/],
  ['an instance', { DBClusterIdentifier: 'one' }, UNKNOWN],
  ['a cluster in another region', { DBClusterIdentifier: 'arn:aws:rds:us-west-2:000000000000:cluster:shop' }, UNKNOWN],
]

rows('CreateDBCluster', CLUSTER, [
  ['no name', { DBClusterIdentifier: NONE }, VALUE, /must be provided/],
  ['a name that is none', { DBClusterIdentifier: '1st' }, VALUE, /not a valid identifier/],
  ['a name that is taken', { DBClusterIdentifier: 'Shop' }, 'DBClusterAlreadyExistsFault'],
  [
    'a name that is taken, for a Multi-AZ DB cluster',
    {
      DBClusterIdentifier: 'shop',
      Engine: 'postgres',
      DBClusterInstanceClass: 'db.m6gd.large',
      AllocatedStorage: 100,
      Iops: 1000,
    },
    'DBClusterAlreadyExistsFault',
  ],
  ['Aurora MySQL', { Engine: 'aurora-mysql' }, VALUE, /aurora-postgresql/],
  ['an Aurora that is none', { Engine: 'aurora' }, VALUE, /aurora-postgresql/],
  ['a version that is none', { EngineVersion: '9.6' }, COMBINATION, /Cannot find version 9\.6 for aurora-postgresql/],
  ['a class', { DBClusterInstanceClass: 'db.r6g.large' }, COMBINATION, /DBClusterInstanceClass isn't supported/],
  ['a size', { AllocatedStorage: 100 }, COMBINATION, /AllocatedStorage isn't supported/],
  ['a speed', { Iops: 1000 }, COMBINATION, /Iops isn't supported/],
  ['storage of instances', { StorageType: 'gp3' }, COMBINATION, /gp3/],
  ['a way of paying', { StorageType: 'aurora-iopt1' }, COMBINATION, /aurora-iopt1/],
  ['no master user', { MasterUsername: NONE }, VALUE, /MasterUsername/],
  ['a reserved master user', { MasterUsername: 'rdsadmin' }, VALUE],
  ['no password', { MasterUserPassword: NONE }, VALUE, /MasterUserPassword/],
  ['a short password', { MasterUserPassword: 'short' }, VALUE],
  ['a password that RDS is to manage, too', { ManageMasterUserPassword: true }, COMBINATION, /MasterUserPassword/],
  ['no backups', { BackupRetentionPeriod: 0 }, VALUE, /between 1 and 35/],
  ['backups kept for too long', { BackupRetentionPeriod: 36 }, VALUE, /between 1 and 35/],
  ['a port below the range', { Port: 1149 }, VALUE],
  ['a name of a database that is none', { DatabaseName: '1st' }, VALUE],
  ['a zone that is none', { 'AvailabilityZones.AvailabilityZone.1': 'us-east-1z' }, VALUE, /us-east-1z/],
  ['a parameter group that is none', { DBClusterParameterGroupName: 'none' }, 'DBClusterParameterGroupNotFound'],
  ['a parameter group of another major', { DBClusterParameterGroupName: 'old' }, COMBINATION, /aurora-postgresql18/],
  ['a parameter group of another engine', { DBClusterParameterGroupName: 'plain' }, COMBINATION, /aurora-postgresql18/],
  ['an unknown subnet group', { DBSubnetGroupName: 'nobody' }, 'DBSubnetGroupNotFoundFault'],
  ['an unknown security group', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-0123456789abcdef0' }, VALUE],
  ['an option group', { OptionGroupName: 'own' }, COMBINATION, /Option groups/],
  ['the serverless of before', { EngineMode: 'serverless' }, COMBINATION, /engine mode/],
  ['an unknown global cluster', { GlobalClusterIdentifier: 'world' }, 'GlobalClusterNotFoundFault', /world/],
  ['more than three days of backtracking', { BacktrackWindow: 259_201 }, VALUE, /between 0 and 259200/],
  ['the Data API', { EnableHttpEndpoint: true }, COMBINATION, /not available/],
  ['half a range of capacity', { [MIN]: 0.5 }, VALUE, /Both MinCapacity and MaxCapacity must be specified/],
  ['a capacity between the steps', { [MIN]: 0.7, [MAX]: 2 }, VALUE, /steps of 0\.5/],
  ['a capacity beyond the range', { [MIN]: 1, [MAX]: 257 }, VALUE, /between 1 and 256/],
  ['a largest capacity of half an ACU', { [MIN]: 0.5, [MAX]: 0.5 }, VALUE, /MaxCapacity 0\.5/],
  ['a range that ends before it begins', { [MIN]: 4, [MAX]: 2 }, COMBINATION, /greater than/],
  ['a pause of what never shrinks to nothing', { [MIN]: 1, [MAX]: 2, [PAUSE]: 300 }, COMBINATION, /MinCapacity is 0/],
  ['a pause too soon', { [MIN]: 0, [MAX]: 2, [PAUSE]: 299 }, VALUE, /between 300 and 86400/],
  ['a source to replicate', { ReplicationSourceIdentifier: `${ARN}:cluster:x` }, COMBINATION, /not available/],
  ['a maintenance window that is none', { PreferredMaintenanceWindow: 'noon' }, VALUE],
])

const OF_THE_CLUSTER = /will be a member of a DB Cluster\. Set /

rows('CreateDBInstance', INSTANCE, [
  ['a name that is none', { DBInstanceIdentifier: '1st' }, VALUE, /not a valid identifier/],
  ['a name that is taken', { DBInstanceIdentifier: 'One' }, 'DBInstanceAlreadyExists'],
  ['no cluster', { DBClusterIdentifier: NONE }, VALUE, /DBClusterIdentifier/],
  ['an unknown cluster', { DBClusterIdentifier: 'nobody' }, UNKNOWN, /nobody/],
  ['a cluster that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
  ['another engine', { Engine: 'aurora-mysql' }, VALUE, /aurora-postgresql/],
  ['another version', { EngineVersion: '17.5' }, COMBINATION, /does not match the engine version of your DB Cluster/],
  ['no class', { DBInstanceClass: NONE }, VALUE, /DBInstanceClass/],
  ['a class that is none', { DBInstanceClass: 'db.huge' }, VALUE, /Invalid DB Instance class/],
  ['serverless without a range', { DBInstanceClass: 'db.serverless' }, STATE, /Serverless v2 scaling configuration/],
  ['a class of other engines', { DBInstanceClass: 'db.m6g.large' }, COMBINATION, /DBInstanceClass=db\.m6g\.large/],
  ['a master user', { MasterUsername: 'app' }, COMBINATION, OF_THE_CLUSTER],
  ['a password', { MasterUserPassword: 'correct-horse-battery' }, COMBINATION, OF_THE_CLUSTER],
  ['a managed password', { ManageMasterUserPassword: true }, COMBINATION, OF_THE_CLUSTER],
  ['a database', { DBName: 'goods' }, COMBINATION, OF_THE_CLUSTER],
  ['a port', { Port: 6000 }, COMBINATION, OF_THE_CLUSTER],
  ['backups', { BackupRetentionPeriod: 7 }, COMBINATION, OF_THE_CLUSTER],
  ['a backup window', { PreferredBackupWindow: '04:00-05:00' }, COMBINATION, OF_THE_CLUSTER],
  ['security groups', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-1' }, COMBINATION, OF_THE_CLUSTER],
  ['encryption', { StorageEncrypted: true }, COMBINATION, OF_THE_CLUSTER],
  ['protection', { DeletionProtection: true }, COMBINATION, OF_THE_CLUSTER],
  ['a size', { AllocatedStorage: 20 }, COMBINATION, /Invalid storage size for engine name aurora-postgresql/],
  ['a speed', { Iops: 1000 }, COMBINATION, /IOPs is not allowed/],
  ['a limit of growth', { MaxAllocatedStorage: 100 }, COMBINATION, /autoscaling/],
  ['storage of other engines', { StorageType: 'gp3' }, COMBINATION, /gp3/],
  ['a standby', { MultiAZ: true }, COMBINATION, /Multi-AZ DB Instances are not available/],
  ['a tier below the range', { PromotionTier: -1 }, VALUE, /between 0 and 15/],
  ['a tier beyond the range', { PromotionTier: 16 }, VALUE, /between 0 and 15/],
  ['a zone that is none', { AvailabilityZone: 'us-east-1z' }, VALUE, /us-east-1z/],
  ['a parameter group that is none', { DBParameterGroupName: 'none' }, 'DBParameterGroupNotFound'],
  ['a parameter group of another major', { DBParameterGroupName: 'old' }, COMBINATION, /aurora-postgresql18/],
  ['a parameter group of another engine', { DBParameterGroupName: 'plain' }, COMBINATION, /aurora-postgresql18/],
  ['another subnet group', { DBSubnetGroupName: 'other' }, COMBINATION, /doesn't match that of your DB Cluster/],
  ['a certificate of no authority', { CACertificateIdentifier: 'own' }, 'CertificateNotFound', /own/],
  ['a maintenance window that is none', { PreferredMaintenanceWindow: 'noon' }, VALUE],
])

rows('ModifyDBCluster', { DBClusterIdentifier: 'shop', ApplyImmediately: true }, [
  ...NAMELESS,
  ['one that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
  ['another port', { Port: 6000 }, COMBINATION, /Port/],
  ['another name', { NewDBClusterIdentifier: 'other' }, COMBINATION, /NewDBClusterIdentifier/],
  ['another version', { EngineVersion: '18.3' }, COMBINATION, /EngineVersion/],
  ['a class', { DBClusterInstanceClass: 'db.r6g.large' }, COMBINATION, /isn't supported/],
  ['a size', { AllocatedStorage: 100 }, COMBINATION, /isn't supported/],
  ['storage of instances', { StorageType: 'gp3' }, COMBINATION, /gp3/],
  ['no backups', { BackupRetentionPeriod: 0 }, VALUE, /between 1 and 35/],
  ['a parameter group that is none', { DBClusterParameterGroupName: 'none' }, 'DBClusterParameterGroupNotFound'],
  ['a parameter group of another major', { DBClusterParameterGroupName: 'old' }, COMBINATION, /aurora-postgresql18/],
  ['an unknown security group', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-0123456789abcdef0' }, VALUE],
  ['a short password', { DeletionProtection: true, MasterUserPassword: 'short' }, VALUE],
  ['a rotation of what RDS does not manage', { RotateMasterUserPassword: true }, COMBINATION, /RDS manages/],
  [
    'windows that overlap',
    { PreferredBackupWindow: '04:00-05:00', PreferredMaintenanceWindow: 'sun:04:30-sun:05:30' },
    VALUE,
  ],
])

rows('ModifyDBInstance', { DBInstanceIdentifier: 'two', ApplyImmediately: true }, [
  ['nobody', { DBInstanceIdentifier: 'nobody' }, NOBODY],
  ['backups', { BackupRetentionPeriod: 7 }, COMBINATION, /member of a cluster\. Modify backup retention period/],
  ['a password', { MasterUserPassword: 'correct-horse-battery' }, COMBINATION, /Modify master user password/],
  ['another version', { EngineVersion: '18.3' }, COMBINATION, /Modify engine version/],
  ['another port', { DBPortNumber: 6000 }, COMBINATION, /Modify port/],
  ['a size', { AllocatedStorage: 20 }, COMBINATION, /Invalid storage size/],
  ['a standby', { MultiAZ: true }, COMBINATION, /Multi-AZ/],
  ['another name', { NewDBInstanceIdentifier: 'other' }, COMBINATION, /NewDBInstanceIdentifier/],
  ['a tier beyond the range', { PromotionTier: 16 }, VALUE, /between 0 and 15/],
  ['a class of other engines', { DBInstanceClass: 'db.m6g.large' }, COMBINATION, /db\.m6g\.large/],
  [
    'another class, some day',
    { DBInstanceClass: 'db.r6g.xlarge', ApplyImmediately: false },
    COMBINATION,
    /ApplyImmediately/,
  ],
  ['a parameter group of another engine', { DBParameterGroupName: 'plain' }, COMBINATION, /aurora-postgresql18/],
])

rows('FailoverDBCluster', { DBClusterIdentifier: 'shop' }, [
  ...NAMELESS,
  ['to the writer', { TargetDBInstanceIdentifier: 'one' }, COMBINATION, /is the writer/],
  ['to an instance of another', { TargetDBInstanceIdentifier: 'lone' }, COMBINATION, /not a member/],
  ['to nobody', { TargetDBInstanceIdentifier: 'nobody' }, COMBINATION, /not a member/],
  ['without a reader', { DBClusterIdentifier: 'alone' }, STATE, /no reader/],
  ['one that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
])

rows('RebootDBCluster', { DBClusterIdentifier: 'shop' }, [
  ...NAMELESS,
  ['an Aurora DB cluster', {}, STATE, /use RebootDBInstance/],
])

rows('StopDBCluster', { DBClusterIdentifier: 'asleep' }, [...NAMELESS, ['one that is stopped', {}, STATE, /stopped/]])

rows('StartDBCluster', { DBClusterIdentifier: 'shop' }, [...NAMELESS, ['one that runs', {}, STATE, /not stopped/]])

rows('DeleteDBCluster', { DBClusterIdentifier: 'shop', SkipFinalSnapshot: true }, [
  ...NAMELESS,
  ['one with instances', {}, STATE, /it still contains DB instances in non-deleting state/],
  ['a protected one', { DBClusterIdentifier: 'guarded' }, COMBINATION, /disable deletion protection/],
  ['without a word on a final snapshot', { SkipFinalSnapshot: NONE }, COMBINATION, /FinalDBSnapshotIdentifier/],
  ['with two words on it', { FinalDBSnapshotIdentifier: 'last' }, COMBINATION, /cannot be specified/],
  ['with backups that are to stay', { DeleteAutomatedBackups: false }, COMBINATION, /retained/],
])

rows('DeleteDBCluster', { DBClusterIdentifier: 'asleep', FinalDBSnapshotIdentifier: 'last' }, [
  ['with a final snapshot of no name', { FinalDBSnapshotIdentifier: 'a--b' }, VALUE],
  ['with one that is there', { FinalDBSnapshotIdentifier: 'copy' }, 'DBClusterSnapshotAlreadyExistsFault'],
])

rows('CreateDBClusterSnapshot', { DBClusterIdentifier: 'shop', DBClusterSnapshotIdentifier: 'new' }, [
  ...NAMELESS,
  ['a name that is none', { DBClusterSnapshotIdentifier: 'a--b' }, VALUE],
  ['a name that is taken', { DBClusterSnapshotIdentifier: 'COPY' }, 'DBClusterSnapshotAlreadyExistsFault'],
  ['of one that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
])

const TO_TIME: Members = {
  DBClusterIdentifier: 'new',
  SourceDBClusterIdentifier: 'shop',
  UseLatestRestorableTime: true,
}

rows('RestoreDBClusterToPointInTime', TO_TIME, [
  ['a name that is none', { DBClusterIdentifier: 'a--b' }, VALUE],
  ['a name that is taken', { DBClusterIdentifier: 'alone' }, 'DBClusterAlreadyExistsFault'],
  ['of nobody', { SourceDBClusterIdentifier: 'nobody' }, UNKNOWN],
  ['no source', { SourceDBClusterIdentifier: NONE }, COMBINATION, /exactly one/],
  ['a kind of copy that is none', { RestoreType: 'half-copy' }, VALUE, /full-copy, copy-on-write/],
  ['no time', { UseLatestRestorableTime: NONE }, COMBINATION, /RestoreToTime/],
  ['two times', { RestoreToTime: '2026-01-01T00:00:00Z' }, COMBINATION, /cannot be specified/],
  [
    'a time before all backups',
    { UseLatestRestorableTime: NONE, RestoreToTime: '2020-01-01T00:00:00Z' },
    VALUE,
    /can be restored to times/,
  ],
  ['a class, which instances have', { DBClusterInstanceClass: 'db.r6g.large' }, COMBINATION],
  ['other storage', { StorageType: 'gp3' }, COMBINATION],
  ['less than no backtracking', { BacktrackWindow: -1 }, VALUE],
  ['an unknown group', { DBClusterParameterGroupName: 'nobody' }, 'DBClusterParameterGroupNotFound'],
  ['a group of another version', { DBClusterParameterGroupName: 'old' }, COMBINATION],
])

rows('RestoreDBClusterToPointInTime', { ...TO_TIME, RestoreType: 'copy-on-write' }, [
  ['a clone under a name that is taken', { DBClusterIdentifier: 'alone' }, 'DBClusterAlreadyExistsFault'],
  ['a clone of nobody', { SourceDBClusterIdentifier: 'nobody' }, UNKNOWN],
  ['a clone of one without instances', { SourceDBClusterIdentifier: 'guarded' }, STATE, /no DB instance/],
  ['a clone of a time', { RestoreToTime: '2026-01-01T00:00:00Z' }, COMBINATION, /RestoreToTime/],
  ['a clone of no time', { UseLatestRestorableTime: NONE }, COMBINATION, /must be true/],
  ['a clone of not the latest time', { UseLatestRestorableTime: false }, COMBINATION, /must be true/],
  ['a clone that is encrypted', { KmsKeyId: 'own' }, COMBINATION],
  ['a clone with an unknown group', { DBClusterParameterGroupName: 'nobody' }, 'DBClusterParameterGroupNotFound'],
  ['a clone with an unknown subnet group', { DBSubnetGroupName: 'nobody' }, 'DBSubnetGroupNotFoundFault'],
  ['a clone with an option group', { OptionGroupName: 'own' }, COMBINATION, /Option groups/],
  ['a clone with a port below the range', { Port: 1149 }, VALUE],
])

rows(
  'RestoreDBClusterFromSnapshot',
  { DBClusterIdentifier: 'new', SnapshotIdentifier: 'copy', Engine: 'aurora-postgresql' },
  [
    ['a name that is taken', { DBClusterIdentifier: 'alone' }, 'DBClusterAlreadyExistsFault'],
    ['of nothing', { SnapshotIdentifier: 'nothing' }, 'DBClusterSnapshotNotFoundFault'],
    ['as another engine', { Engine: 'postgres' }, COMBINATION, /cannot be restored as postgres/],
    ['as an engine that is not here', { Engine: 'aurora-mysql' }, VALUE, /aurora-mysql/],
    ['of another version', { EngineVersion: '17.10' }, COMBINATION, /same EngineVersion/],
    ['with another database', { DatabaseName: 'other' }, COMBINATION, /DatabaseName/],
  ],
)

const MEMBER: Members = { DBInstanceIdentifier: 'two' }
const SAYS = /is a member of the DB cluster shop/

for (const [action, members, says] of [
  ['RebootDBInstance', { ...MEMBER, ForceFailover: true }, /use FailoverDBCluster/],
  ['StopDBInstance', MEMBER, SAYS],
  ['StartDBInstance', MEMBER, SAYS],
  ['CreateDBSnapshot', { ...MEMBER, DBSnapshotIdentifier: 'one' }, SAYS],
  ['CreateDBInstanceReadReplica', { DBInstanceIdentifier: 'copy', SourceDBInstanceIdentifier: 'two' }, SAYS],
  ['DeleteDBInstance', { ...MEMBER, FinalDBSnapshotIdentifier: 'last' }, /deleting a cluster instance/],
] as const)
  rows(action, members, [[`an instance of a cluster (${Object.keys(members).at(-1)})`, {}, COMBINATION, says]])

const BACK: Members = { DBClusterIdentifier: 'back', BacktrackTo: '2020-01-01T00:00:00Z' }

rows('BacktrackDBCluster', BACK, [
  ...NAMELESS,
  ['no time', { BacktrackTo: NONE }, VALUE, /BacktrackTo/],
  ['a time that is none', { BacktrackTo: 'yesterday' }, VALUE, /timestamp/],
  ['a time to come', { BacktrackTo: '2120-01-01T00:00:00Z' }, VALUE, /in the future/],
  ['a time before all', {}, VALUE, /the earliest time is/],
  ['of one that has no window', { DBClusterIdentifier: 'alone' }, STATE, /not enabled/],
  ['of one that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
])

rows('DescribeDBClusterBacktracks', { DBClusterIdentifier: 'back' }, [
  ...NAMELESS,
  [
    'an unknown one',
    { BacktrackIdentifier: 'b0a8f2a0-0000-4000-8000-000000000000' },
    'DBClusterBacktrackNotFoundFault',
  ],
  [
    'an unknown filter',
    { 'Filters.Filter.1.Name': 'status', 'Filters.Filter.1.Values.Value.1': 'failed' },
    VALUE,
    /Unrecognized filter/,
  ],
  ['too few at a time', { MaxRecords: 19 }, VALUE],
])

rows('CreateDBClusterEndpoint', { ...ENDPOINT, DBClusterIdentifier: 'alone' }, [
  ...NAMELESS,
  ['no name', { DBClusterEndpointIdentifier: NONE }, VALUE, /must be provided/],
  ['a name that is none', { DBClusterEndpointIdentifier: 'a--b' }, VALUE, /not a valid identifier/],
  ['a name that another cluster has', { DBClusterEndpointIdentifier: 'Own' }, 'DBClusterEndpointAlreadyExistsFault'],
  ['a type that is none', { EndpointType: 'CUSTOM' }, VALUE, /READER, WRITER, ANY/],
  ['an instance of another', { 'StaticMembers.member.1': 'one' }, NOBODY],
  ['both lists', { 'StaticMembers.member.1': 'lone', 'ExcludedMembers.member.1': 'lone' }, COMBINATION, /not both/],
  ['one too many', { DBClusterIdentifier: 'shop' }, 'DBClusterEndpointQuotaExceededFault', /at most 5/],
  ['of one that is stopped', { DBClusterIdentifier: 'asleep' }, STATE, /stopped/],
])

rows('ModifyDBClusterEndpoint', { DBClusterEndpointIdentifier: 'own' }, [
  ['an unknown one', { DBClusterEndpointIdentifier: 'nobody' }, NO_ENDPOINT, /nobody/],
  ['a type that is none', { EndpointType: 'reader' }, VALUE],
  ['an instance of another', { 'ExcludedMembers.member.1': 'lone' }, NOBODY],
  ['both lists', { 'StaticMembers.member.1': 'one', 'ExcludedMembers.member.1': 'two' }, COMBINATION, /not both/],
])

rows('DeleteDBClusterEndpoint', {}, [
  ['an unknown one', { DBClusterEndpointIdentifier: 'nobody' }, NO_ENDPOINT, /nobody/],
  ['the reader endpoint', { DBClusterEndpointIdentifier: 'shop' }, NO_ENDPOINT],
])

rows('DeleteDBClusterParameterGroup', {}, [
  ['a group in use', { DBClusterParameterGroupName: 'used' }, 'InvalidDBParameterGroupState'],
])

rows(
  'ModifyDBParameterGroup',
  {
    DBParameterGroupName: 'used',
    'Parameters.Parameter.1.ParameterName': 'rds.force_ssl',
    'Parameters.Parameter.1.ParameterValue': '1',
    'Parameters.Parameter.1.ApplyMethod': 'immediate',
  },
  [['a parameter of clusters', {}, VALUE, /rds\.force_ssl/]],
)
