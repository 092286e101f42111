/** Every wrong request about read replicas gets RDS's own code and HTTP status, and changes nothing. */
import { before, test } from 'node:test'
import { NONE, refusals } from '../support/bad-input.ts'
import type { Members } from '../support/form.ts'

const GOOD: Members = { DBInstanceIdentifier: 'new', SourceDBInstanceIdentifier: 'source' }
const VALUE = 'InvalidParameterValue'
const COMBINATION = 'InvalidParameterCombination'
const STATE = 'InvalidDBInstanceState'

const { make, rows } = await refusals({
  views: ['DescribeDBInstances', 'DescribeEvents'],
  status: {
    DBInstanceNotFound: 404,
    DBParameterGroupNotFound: 404,
    DBSubnetGroupNotFoundFault: 404,
  },
})

before(async () => {
  const base: Members = {
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 100,
    MasterUsername: 'app',
    BackupRetentionPeriod: 1,
  }
  const withPassword: Members = { ...base, MasterUserPassword: 'correct-horse-battery' }
  await make('CreateDBInstance', { ...withPassword, DBInstanceIdentifier: 'source' })
  await make('CreateDBInstance', { ...withPassword, DBInstanceIdentifier: 'bare', BackupRetentionPeriod: 0 })
  await make('CreateDBInstance', { ...withPassword, DBInstanceIdentifier: 'stopped' })
  await make('StopDBInstance', { DBInstanceIdentifier: 'stopped' })
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'managed', ManageMasterUserPassword: true })
  await make('CreateDBInstanceReadReplica', { ...GOOD, DBInstanceIdentifier: 'copy' })
  const families: readonly (readonly [string, string])[] = [
    ['pg', 'postgres18'],
    ['old', 'postgres17'],
  ]
  for (const [DBParameterGroupName, DBParameterGroupFamily] of families)
    await make('CreateDBParameterGroup', { DBParameterGroupName, DBParameterGroupFamily, Description: 'for tests' })
  const [vpc] = elements(await make('ec2:CreateVpc', { CidrBlock: '10.9.0.0/16' }), 'vpcId')
  const ids: Record<string, string> = {}
  for (const [n, zone] of ['a', 'b'].entries()) {
    const CidrBlock = `10.9.${n}.0/24`
    const body = await make('ec2:CreateSubnet', { VpcId: vpc!, CidrBlock, AvailabilityZone: `us-east-1${zone}` })
    ids[`SubnetIds.SubnetIdentifier.${n + 1}`] = elements(body, 'subnetId')[0]!
  }
  await make('CreateDBSubnetGroup', { DBSubnetGroupName: 'abroad', DBSubnetGroupDescription: 'for tests', ...ids })
})

const elements = (body: string, name: string): string[] =>
  [...body.matchAll(new RegExp(`<${name}>([^<]+)</${name}>`, 'g'))].map(([, text]) => text!)

rows('CreateDBInstanceReadReplica', GOOD, [
  ['no name', { DBInstanceIdentifier: NONE }, VALUE, /must be provided/],
  ['a name that is none', { DBInstanceIdentifier: '1st' }, VALUE, /not a valid identifier/],
  ['a name that is taken', { DBInstanceIdentifier: 'bare' }, 'DBInstanceAlreadyExists'],
  ['no source', { SourceDBInstanceIdentifier: NONE }, COMBINATION, /SourceDBInstanceIdentifier/],
  ['an unknown source', { SourceDBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  [
    'a source in another region by its name',
    { SourceDBInstanceIdentifier: 'arn:aws:rds:us-west-2:000000000000:db:source' },
    'DBInstanceNotFound',
  ],
  [
    'a source of another account',
    { SourceDBInstanceIdentifier: 'arn:aws:rds:us-east-1:111111111111:db:source' },
    'DBInstanceNotFound',
  ],
  [
    'the ARN of a snapshot',
    { SourceDBInstanceIdentifier: 'arn:aws:rds:us-east-1:000000000000:snapshot:source' },
    'DBInstanceNotFound',
  ],
  ['a source without backups', { SourceDBInstanceIdentifier: 'bare' }, STATE, /Automated backups are not enabled/],
  ['a replica without backups as source', { SourceDBInstanceIdentifier: 'copy' }, STATE, /Automated backups/],
  ['a stopped source', { SourceDBInstanceIdentifier: 'stopped' }, STATE, /stopped/],
  ['a source whose password RDS manages', { SourceDBInstanceIdentifier: 'managed' }, VALUE, /ManageMasterUserPassword/],
  ['a cluster as source, too', { SourceDBClusterIdentifier: 'cluster' }, COMBINATION, /both/],
  [
    'a cluster as source',
    { SourceDBInstanceIdentifier: NONE, SourceDBClusterIdentifier: 'cluster' },
    COMBINATION,
    /not available/,
  ],
  ['a class that is none', { DBInstanceClass: 'db.huge' }, VALUE, /Invalid DB Instance class/],
  ['a zone that is none', { AvailabilityZone: 'us-east-1z' }, VALUE, /Valid zones/],
  ['a zone of another region', { AvailabilityZone: 'us-west-2a' }, VALUE, /Valid zones/],
  ['a port below the range', { Port: 1149 }, VALUE],
  ['less storage than its source', { AllocatedStorage: 50 }, VALUE, /at least 10 percent more/],
  ['a little more storage than its source', { AllocatedStorage: 105 }, VALUE, /at least 10 percent more/],
  ['an unknown parameter group', { DBParameterGroupName: 'nobody' }, 'DBParameterGroupNotFound'],
  ['a parameter group of another family', { DBParameterGroupName: 'old' }, COMBINATION, /postgres18/],
  ['an unknown subnet group', { DBSubnetGroupName: 'nobody' }, 'DBSubnetGroupNotFoundFault'],
  ['a subnet group in another VPC', { DBSubnetGroupName: 'abroad' }, 'InvalidVPCNetworkStateFault', /another VPC/],
  ['a mode of Oracle', { ReplicaMode: 'mounted' }, COMBINATION, /ReplicaMode/],
])

rows('PromoteReadReplica', { DBInstanceIdentifier: 'copy' }, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  ['what is no replica', { DBInstanceIdentifier: 'bare' }, STATE, /not a read replica/],
  ['backups kept for too long', { BackupRetentionPeriod: 36 }, VALUE],
  ['a backup window that is none', { PreferredBackupWindow: 'noon' }, VALUE],
])

rows('SwitchoverReadReplica', { DBInstanceIdentifier: 'copy' }, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  ['a replica of PostgreSQL', {}, STATE, /Oracle/],
])

rows('ModifyDBInstance', { DBInstanceIdentifier: 'copy', ApplyImmediately: true }, [
  ['a password of its own', { MasterUserPassword: 'another-password-1' }, COMBINATION, /physical replication/],
  ['a managed password', { ManageMasterUserPassword: true }, COMBINATION, /physical replication/],
])

rows('ModifyDBInstance', { DBInstanceIdentifier: 'source', ApplyImmediately: true }, [
  ['no backups for a source', { BackupRetentionPeriod: 0 }, COMBINATION, /read replicas/],
  ['a managed password for a source', { ManageMasterUserPassword: true }, COMBINATION, /read replicas/],
])

rows('StopDBInstance', {}, [
  ['a replica', { DBInstanceIdentifier: 'copy' }, STATE, /Read-Replica/],
  ['a source', { DBInstanceIdentifier: 'source' }, STATE, /source of read replicas/],
])

rows('DeleteDBInstance', { DBInstanceIdentifier: 'copy' }, [
  ['a final snapshot of a replica', { FinalDBSnapshotIdentifier: 'last' }, COMBINATION, /replica instance/],
])

test('what every row starts from is itself accepted', async () => {
  await make('CreateDBInstanceReadReplica', { ...GOOD, DBParameterGroupName: 'pg', DBSubnetGroupName: 'default' })
  await make('PromoteReadReplica', { DBInstanceIdentifier: 'new' })
})
