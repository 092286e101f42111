/** Every wrong request gets RDS's own code and HTTP status, and changes nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discard, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { sendForm, sendGoodForm, type Members } from '../support/form.ts'

type Row = readonly [what: string, members: Members, code: string, says?: RegExp]

let holdfast: Holdfast
/** Of the default VPC, in three zones. */
let subnets: string[] = []
/** Of another VPC. */
const foreignSubnets: string[] = []

const GOOD = {
  DBInstanceIdentifier: 'new',
  Engine: 'postgres',
  DBInstanceClass: 'db.t4g.micro',
  AllocatedStorage: 20,
  MasterUsername: 'app',
  MasterUserPassword: 'correct-horse-battery',
} as const satisfies Members

const make = (action: string, members: Members): Promise<string> => sendGoodForm(holdfast, action, members)

const elements = (body: string, name: string): string[] =>
  [...body.matchAll(new RegExp(`<${name}>([^<]+)</${name}>`, 'g'))].map(([, text]) => text!)

before(async () => {
  holdfast = await startHoldfast({ engines: 'simulated' })
  subnets = elements(await make('DescribeDBSubnetGroups', {}), 'SubnetIdentifier')
  const [vpc] = elements(await make('ec2:CreateVpc', { CidrBlock: '10.9.0.0/16' }), 'vpcId')
  for (const [n, zone] of ['a', 'b'].entries()) {
    const CidrBlock = `10.9.${n}.0/24`
    const body = await make('ec2:CreateSubnet', { VpcId: vpc!, CidrBlock, AvailabilityZone: `us-east-1${zone}` })
    foreignSubnets.push(...elements(body, 'subnetId'))
  }
  const family = (major: number): Members => ({
    DBParameterGroupFamily: `postgres${major}`,
    Description: 'for tests',
  })
  for (const name of ['pg', 'used']) await make('CreateDBParameterGroup', { DBParameterGroupName: name, ...family(18) })
  await make('CreateDBParameterGroup', { DBParameterGroupName: 'old', ...family(17) })
  for (const name of ['sg', 'sg-used'])
    await make('CreateDBSubnetGroup', {
      DBSubnetGroupName: name,
      DBSubnetGroupDescription: 'for tests',
      'SubnetIds.SubnetIdentifier.1': subnets[0]!,
      'SubnetIds.SubnetIdentifier.2': subnets[1]!,
    })
  const base = { ...GOOD, DBParameterGroupName: 'used', DBSubnetGroupName: 'sg-used', BackupRetentionPeriod: 0 }
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'base', EngineVersion: '18.3' })
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'stopped' })
  await make('StopDBInstance', { DBInstanceIdentifier: 'stopped' })
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'kept', DeletionProtection: true })
  await make('CreateDBInstance', {
    ...base,
    DBInstanceIdentifier: 'fast',
    StorageType: 'io1',
    AllocatedStorage: 100,
    Iops: 1000,
  })
  const { MasterUserPassword: _none, ...rest } = base
  await make('CreateDBInstance', { ...rest, DBInstanceIdentifier: 'managed', ManageMasterUserPassword: true })
  await make('CreateDBSnapshot', { DBInstanceIdentifier: 'base', DBSnapshotIdentifier: 'snap' })
})

after(() => discard(holdfast))

const VIEWS = [
  'DescribeDBInstances',
  'DescribeDBSnapshots',
  'DescribeDBParameterGroups',
  'DescribeDBSubnetGroups',
  'DescribeOptionGroups',
  'DescribeEvents',
] as const

/** Everything that can be seen, without what each answer has of its own. */
async function world(): Promise<string[]> {
  const views = await Promise.all(VIEWS.map((view) => make(view, {})))
  const values = await make('DescribeDBParameters', { DBParameterGroupName: 'pg', Source: 'user' })
  return [...views, values].map((body) => body.replace(/<RequestId>[^<]*<\/RequestId>/, ''))
}

/** Of HTTP, where it is not 400. Source: the models of the SDK, httpError of each exception. */
const STATUS: Readonly<Record<string, number>> = {
  DBInstanceNotFound: 404,
  DBSnapshotNotFound: 404,
  DBParameterGroupNotFound: 404,
  DBSubnetGroupNotFoundFault: 404,
  OptionGroupNotFoundFault: 404,
  CertificateNotFound: 404,
}

function rows(action: string, base: Members, cases: readonly Row[]): void {
  for (const [what, members, code, says] of cases)
    test(`${action}, ${what}: ${code}`, async () => {
      const sent = Object.entries({ ...base, ...members }).filter(([, value]) => value !== '(none)')
      const before = await world()
      const answer = await sendForm(holdfast, action, Object.fromEntries(sent) as Members)
      assert.deepEqual([answer.code, answer.status], [code, STATUS[code] ?? 400], answer.body)
      assert.match(answer.message, says ?? /\w+ \w+/)
      assert.deepEqual(await world(), before)
    })
}

const VALUE = 'InvalidParameterValue'
const COMBINATION = 'InvalidParameterCombination'
const STATE = 'InvalidDBInstanceState'
const NONE = '(none)'

rows('CreateDBInstance', GOOD, [
  ['no name', { DBInstanceIdentifier: NONE }, VALUE, /DBInstanceIdentifier must be provided and must not be blank/],
  ['a blank name', { DBInstanceIdentifier: '' }, VALUE, /must not be blank/],
  ['a name that starts with a digit', { DBInstanceIdentifier: '1st' }, VALUE, /not a valid identifier/],
  ['a name that ends with a hyphen', { DBInstanceIdentifier: 'a-' }, VALUE],
  ['a name with two hyphens', { DBInstanceIdentifier: 'a--b' }, VALUE],
  ['a name of 64 letters', { DBInstanceIdentifier: 'a'.repeat(64) }, VALUE],
  ['a name with a path in it', { DBInstanceIdentifier: '../etc' }, VALUE],
  ['a name that is taken', { DBInstanceIdentifier: 'base' }, 'DBInstanceAlreadyExists'],
  ['a taken name in capitals', { DBInstanceIdentifier: 'BASE' }, 'DBInstanceAlreadyExists'],
  ['no engine', { Engine: NONE }, VALUE, /Engine must be provided/],
  ['an engine that is none', { Engine: 'dbase' }, VALUE, /Invalid DB engine: dbase.*postgres/],
  ['a version that is none', { EngineVersion: '9.5' }, COMBINATION, /Cannot find version 9\.5 for postgres.*18\.4/],
  ['a minor that is none', { EngineVersion: '17.99' }, COMBINATION, /Cannot find version 17\.99.*: 17\./],
  ['a version that is a word', { EngineVersion: 'latest' }, COMBINATION],
  ['no class', { DBInstanceClass: NONE }, VALUE],
  ['a class that is none', { DBInstanceClass: 'db.huge' }, VALUE, /Invalid DB Instance class: db\.huge/],
  ['no storage', { AllocatedStorage: NONE }, COMBINATION],
  ['storage that is a word', { AllocatedStorage: 'much' }, VALUE, /Invalid value much/],
  ['storage with a fraction', { AllocatedStorage: '20.5' }, VALUE],
  ['too little storage', { AllocatedStorage: 19 }, COMBINATION, /Invalid storage size.*: 19/],
  ['too much storage', { AllocatedStorage: 65_537 }, COMBINATION, /Invalid storage size/],
  ['a storage type that is none', { StorageType: 'gp9' }, COMBINATION, /Invalid storage type: gp9/],
  ['IOPS for gp2', { StorageType: 'gp2', Iops: 3000 }, COMBINATION],
  ['io1 without IOPS', { StorageType: 'io1', AllocatedStorage: 100 }, COMBINATION, /IOPS/],
  ['too many IOPS for the size', { StorageType: 'io1', AllocatedStorage: 100, Iops: 6000 }, COMBINATION, /ratio/],
  ['IOPS for a small gp3', { StorageType: 'gp3', Iops: 4000 }, COMBINATION, /less than 400/],
  ['a limit below the storage', { MaxAllocatedStorage: 10 }, COMBINATION, /Max storage size/],
  ['a limit that leaves no step', { AllocatedStorage: 100, MaxAllocatedStorage: 105 }, COMBINATION, /10%/],
  ['no user', { MasterUsername: NONE }, VALUE, /MasterUsername must be provided/],
  ['a reserved user', { MasterUsername: 'rdsadmin' }, VALUE, /reserved word/],
  ['a user as PostgreSQL keeps for itself', { MasterUsername: 'pg_app' }, VALUE, /reserved word/],
  ['a user that starts with a digit', { MasterUsername: '1app' }, VALUE],
  ['a user with a quote', { MasterUsername: 'a"b' }, VALUE],
  ['no password', { MasterUserPassword: NONE }, VALUE, /MasterUserPassword must be provided/],
  ['a short password', { MasterUserPassword: 'short' }, VALUE, /shorter than 8/],
  ['a password with a slash', { MasterUserPassword: 'with/slash/in' }, VALUE, /printable ASCII/],
  ['a password beside a managed one', { ManageMasterUserPassword: true }, COMBINATION],
  ['a reserved database', { DBName: 'rdsadmin' }, VALUE, /reserved word/],
  ['a database with a hyphen', { DBName: 'my-shop' }, VALUE],
  ['a port below 1150', { Port: 80 }, VALUE, /between 1150 and 65535/],
  ['a port above 65535', { Port: 70_000 }, VALUE],
  ['a negative retention', { BackupRetentionPeriod: -1 }, VALUE],
  ['a retention of 36 days', { BackupRetentionPeriod: 36 }, VALUE, /between 0 and 35/],
  ['a malformed backup window', { PreferredBackupWindow: '5:30-6:00' }, VALUE],
  ['a short backup window', { PreferredBackupWindow: '05:30-05:45' }, VALUE, /at least 30 minutes/],
  ['a malformed maintenance window', { PreferredMaintenanceWindow: '05:30-06:00' }, VALUE],
  ['a maintenance window on no day', { PreferredMaintenanceWindow: 'xxx:05:30-xxx:06:00' }, VALUE],
  [
    'windows that overlap',
    { PreferredBackupWindow: '05:30-06:30', PreferredMaintenanceWindow: 'sun:06:00-sun:07:00' },
    VALUE,
    /must not overlap/,
  ],
  ['a zone elsewhere', { AvailabilityZone: 'eu-west-1a' }, VALUE, /us-east-1a/],
  ['a parameter group that is none', { DBParameterGroupName: 'no-group' }, 'DBParameterGroupNotFound'],
  ['a parameter group of another family', { DBParameterGroupName: 'old' }, COMBINATION, /postgres18/],
  ['a subnet group that is none', { DBSubnetGroupName: 'no-group' }, 'DBSubnetGroupNotFoundFault'],
  ['an option group that is none', { OptionGroupName: 'no-group' }, 'OptionGroupNotFoundFault'],
  ['a security group that is none', { 'VpcSecurityGroupIds.VpcSecurityGroupId.1': 'sg-0' }, VALUE],
  ['a CA that is none', { CACertificateIdentifier: 'rds-ca-1999' }, 'CertificateNotFound', /rds-ca-ecc384-g1/],
  ['a license of another engine', { LicenseModel: 'bring-your-own-license' }, COMBINATION],
  ['a character set', { CharacterSetName: 'UTF8' }, COMBINATION],
  ['a DB cluster', { DBClusterIdentifier: 'cluster' }, COMBINATION],
  ['a time zone', { Timezone: 'UTC' }, COMBINATION],
  ['a flag that is no flag', { MultiAZ: 'perhaps' }, VALUE],
  ['a tag of AWS', { 'Tags.Tag.1.Key': 'aws:mine', 'Tags.Tag.1.Value': 'x' }, VALUE, /reserved/],
  [
    'a tag twice',
    { 'Tags.Tag.1.Key': 'a', 'Tags.Tag.1.Value': '1', 'Tags.Tag.2.Key': 'a', 'Tags.Tag.2.Value': '2' },
    VALUE,
  ],
])

rows('ModifyDBInstance', { DBInstanceIdentifier: 'base', ApplyImmediately: true }, [
  ['no name', { DBInstanceIdentifier: NONE }, VALUE],
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound', /nobody/],
  ['a stopped instance', { DBInstanceIdentifier: 'stopped', DBInstanceClass: 'db.m6g.large' }, STATE, /stopped/],
  ['a class that is none', { DBInstanceClass: 'db.huge' }, VALUE],
  ['less storage', { AllocatedStorage: 10 }, COMBINATION, /less than the current size/],
  ['more storage than there may be', { AllocatedStorage: 70_000 }, 'StorageQuotaExceeded'],
  ['storage without the IOPS', { DBInstanceIdentifier: 'fast', AllocatedStorage: 200 }, COMBINATION, /both/],
  ['an older minor', { EngineVersion: '18.1' }, COMBINATION, /Cannot upgrade postgres from 18\.3 to 18\.1/],
  ['another major', { EngineVersion: '17.6', AllowMajorVersionUpgrade: true }, COMBINATION, /18\.4/],
  ['a version that is none', { EngineVersion: '18.77' }, COMBINATION, /18\.4/],
  ['a name that is taken', { NewDBInstanceIdentifier: 'stopped' }, 'DBInstanceAlreadyExists'],
  ['a name that is none', { NewDBInstanceIdentifier: '-x' }, VALUE],
  ['a short password', { MasterUserPassword: 'short' }, VALUE],
  [
    'a password of one that is managed',
    { DBInstanceIdentifier: 'managed', MasterUserPassword: 'long-enough-1' },
    COMBINATION,
  ],
  ['rotation of one that is not managed', { RotateMasterUserPassword: true }, COMBINATION],
  ['a port below 1150', { DBPortNumber: 1 }, VALUE],
  ['a retention of 99 days', { BackupRetentionPeriod: 99 }, VALUE],
  ['a malformed window', { PreferredMaintenanceWindow: 'always' }, VALUE],
  ['a CA that is none', { CACertificateIdentifier: 'rds-ca-1999' }, 'CertificateNotFound'],
  ['a parameter group that is none', { DBParameterGroupName: 'no-group' }, 'DBParameterGroupNotFound'],
  ['a parameter group of another family', { DBParameterGroupName: 'old' }, COMBINATION],
  ['a subnet group of the same VPC', { DBSubnetGroupName: 'sg' }, 'InvalidVPCNetworkStateFault', /same VPC/],
  ['a subnet group that is none', { DBSubnetGroupName: 'no-group' }, 'DBSubnetGroupNotFoundFault'],
  ['another engine', { Engine: 'mysql' }, COMBINATION],
])

rows('RebootDBInstance', {}, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  ['a stopped instance', { DBInstanceIdentifier: 'stopped' }, STATE],
  ['a failover of a single instance', { DBInstanceIdentifier: 'base', ForceFailover: true }, COMBINATION],
])

rows('StopDBInstance', {}, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  ['a stopped instance', { DBInstanceIdentifier: 'stopped' }, STATE],
  ['a snapshot that exists', { DBInstanceIdentifier: 'base', DBSnapshotIdentifier: 'snap' }, 'DBSnapshotAlreadyExists'],
])

rows('StartDBInstance', {}, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  ['an instance that runs', { DBInstanceIdentifier: 'base' }, STATE],
])

rows('DeleteDBInstance', { DBInstanceIdentifier: 'base' }, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody', SkipFinalSnapshot: true }, 'DBInstanceNotFound'],
  ['neither a final snapshot nor none', {}, COMBINATION, /FinalDBSnapshotIdentifier is required/],
  ['a final snapshot and none', { SkipFinalSnapshot: true, FinalDBSnapshotIdentifier: 'last' }, COMBINATION],
  ['a final snapshot that exists', { FinalDBSnapshotIdentifier: 'snap' }, 'DBSnapshotAlreadyExists'],
  ['a final snapshot with a reserved name', { FinalDBSnapshotIdentifier: 'rds:last' }, VALUE],
  ['a protected instance', { DBInstanceIdentifier: 'kept', SkipFinalSnapshot: true }, COMBINATION, /protect/],
])

rows('DescribeDBInstances', {}, [
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
  [
    'an ARN of another account',
    { DBInstanceIdentifier: 'arn:aws:rds:us-east-1:999999999999:db:base' },
    'DBInstanceNotFound',
  ],
  ['a filter that is none', { 'Filters.Filter.1.Name': 'colour', 'Filters.Filter.1.Values.Value.1': 'red' }, VALUE],
  ['a filter without values', { 'Filters.Filter.1.Name': 'engine' }, VALUE],
  ['a page of 19', { MaxRecords: 19 }, VALUE, /between 20 and 100/],
  ['a page of 101', { MaxRecords: 101 }, VALUE],
  ['a marker of elsewhere', { Marker: 'bm90LW1pbmU=' }, VALUE],
])

rows('CreateDBSnapshot', { DBInstanceIdentifier: 'base', DBSnapshotIdentifier: 'new' }, [
  ['no name', { DBSnapshotIdentifier: NONE }, VALUE],
  ['a name that is none', { DBSnapshotIdentifier: 'a--b' }, VALUE],
  ['a reserved name', { DBSnapshotIdentifier: 'rds:mine' }, VALUE],
  ['a name that is taken', { DBSnapshotIdentifier: 'snap' }, 'DBSnapshotAlreadyExists'],
  ['an unknown instance', { DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFound'],
])

rows('CopyDBSnapshot', { SourceDBSnapshotIdentifier: 'snap', TargetDBSnapshotIdentifier: 'copy' }, [
  ['an unknown source', { SourceDBSnapshotIdentifier: 'nothing' }, 'DBSnapshotNotFound'],
  ['a target that exists', { TargetDBSnapshotIdentifier: 'snap' }, 'DBSnapshotAlreadyExists'],
  ['a target that is no name', { TargetDBSnapshotIdentifier: '9' }, VALUE],
])

rows('DeleteDBSnapshot', {}, [
  ['no name', {}, VALUE],
  ['an unknown snapshot', { DBSnapshotIdentifier: 'nothing' }, 'DBSnapshotNotFound'],
])

rows('DescribeDBSnapshots', {}, [
  ['an unknown snapshot', { DBSnapshotIdentifier: 'nothing' }, 'DBSnapshotNotFound'],
  ['a type that is none', { SnapshotType: 'weekly' }, VALUE],
])

rows('ModifyDBSnapshotAttribute', { DBSnapshotIdentifier: 'snap', AttributeName: 'restore' }, [
  ['an unknown snapshot', { DBSnapshotIdentifier: 'nothing' }, 'DBSnapshotNotFound'],
  ['an attribute that is none', { AttributeName: 'colour' }, VALUE],
  ['an account that is none', { 'ValuesToAdd.AttributeValue.1': 'me' }, VALUE],
])

rows('RestoreDBInstanceFromDBSnapshot', { DBInstanceIdentifier: 'again', DBSnapshotIdentifier: 'snap' }, [
  ['no snapshot', { DBSnapshotIdentifier: NONE }, VALUE],
  ['an unknown snapshot', { DBSnapshotIdentifier: 'nothing' }, 'DBSnapshotNotFound'],
  ['a name that is taken', { DBInstanceIdentifier: 'base' }, 'DBInstanceAlreadyExists'],
  ['another engine', { Engine: 'mysql' }, COMBINATION],
  ['less storage', { AllocatedStorage: 10 }, COMBINATION],
  ['a parameter group of another family', { DBParameterGroupName: 'old' }, COMBINATION],
  ['a class that is none', { DBInstanceClass: 'db.huge' }, VALUE],
])

const NEW_GROUP = { DBParameterGroupName: 'fresh', DBParameterGroupFamily: 'postgres18', Description: 'a group' }

rows('CreateDBParameterGroup', NEW_GROUP, [
  ['a name that is taken', { DBParameterGroupName: 'pg' }, 'DBParameterGroupAlreadyExists'],
  ['a name that is none', { DBParameterGroupName: 'a--b' }, VALUE],
  ['a family that is none', { DBParameterGroupFamily: 'postgres99' }, VALUE],
  ['no description', { Description: NONE }, VALUE],
])

rows(
  'CopyDBParameterGroup',
  { TargetDBParameterGroupIdentifier: 'copy', TargetDBParameterGroupDescription: 'a copy' },
  [
    ['an unknown source', { SourceDBParameterGroupIdentifier: 'no-group' }, 'DBParameterGroupNotFound'],
    [
      'a target that exists',
      { SourceDBParameterGroupIdentifier: 'pg', TargetDBParameterGroupIdentifier: 'old' },
      'DBParameterGroupAlreadyExists',
    ],
  ],
)

rows('DeleteDBParameterGroup', {}, [
  ['an unknown group', { DBParameterGroupName: 'no-group' }, 'DBParameterGroupNotFound'],
  ['a default group', { DBParameterGroupName: 'default.postgres18' }, 'InvalidDBParameterGroupState'],
  ['a group in use', { DBParameterGroupName: 'used' }, 'InvalidDBParameterGroupState'],
])

const parameter = (ParameterName: string, ParameterValue: string, ApplyMethod = 'immediate'): Members => ({
  'Parameters.Parameter.1.ParameterName': ParameterName,
  'Parameters.Parameter.1.ParameterValue': ParameterValue,
  'Parameters.Parameter.1.ApplyMethod': ApplyMethod,
})

rows('ModifyDBParameterGroup', { DBParameterGroupName: 'pg' }, [
  [
    'an unknown group',
    { DBParameterGroupName: 'no-group', ...parameter('work_mem', '64') },
    'DBParameterGroupNotFound',
  ],
  ['a default group', { DBParameterGroupName: 'default.postgres18', ...parameter('work_mem', '64') }, VALUE],
  ['a parameter that is none', parameter('colour', 'red'), VALUE, /Could not find parameter/],
  ['a value out of range', parameter('work_mem', '1'), VALUE],
  ['a value that is no number', parameter('work_mem', 'much'), VALUE],
  ['a static one at once', parameter('max_connections', '50'), COMBINATION, /static/],
  ['a method that is none', parameter('work_mem', '64', 'soon'), VALUE],
  ['one that cannot be modified', parameter('server_version', '1'), VALUE],
  ['a broken formula', parameter('shared_buffers', '{DBInstanceClassMemory/', 'pending-reboot'), VALUE],
])

rows('ResetDBParameterGroup', { DBParameterGroupName: 'pg' }, [
  ['an unknown group', { DBParameterGroupName: 'no-group', ResetAllParameters: true }, 'DBParameterGroupNotFound'],
  ['nothing to reset', { ResetAllParameters: false }, VALUE, /must be supplied/],
])

rows('DescribeDBParameters', {}, [
  ['an unknown group', { DBParameterGroupName: 'no-group' }, 'DBParameterGroupNotFound'],
])

const NEW_SUBNETS: Members = { DBSubnetGroupName: 'fresh', DBSubnetGroupDescription: 'a group' }
const subnetIds = (...ids: string[]): Members =>
  Object.fromEntries(ids.map((id, n) => [`SubnetIds.SubnetIdentifier.${n + 1}`, id]))

rows('CreateDBSubnetGroup', NEW_SUBNETS, [
  ['no subnets', {}, VALUE],
  ['unknown subnets', subnetIds('subnet-0', 'subnet-1'), 'InvalidSubnet'],
  ['the name of the default group', { DBSubnetGroupName: 'default', ...subnetIds('subnet-0') }, VALUE],
  ['a name that is none', { DBSubnetGroupName: 'a/b', ...subnetIds('subnet-0') }, VALUE],
])

rows('ModifyDBSubnetGroup', { DBSubnetGroupName: 'sg' }, [['unknown subnets', subnetIds('subnet-0'), 'InvalidSubnet']])

rows('DeleteDBSubnetGroup', {}, [
  ['an unknown group', { DBSubnetGroupName: 'no-group' }, 'DBSubnetGroupNotFoundFault'],
  ['the default group', { DBSubnetGroupName: 'default' }, 'InvalidDBSubnetGroupStateFault'],
  ['a group in use', { DBSubnetGroupName: 'sg-used' }, 'InvalidDBSubnetGroupStateFault'],
])

test('subnet groups are held to zones and VPCs, and change nothing else', async () => {
  const send = async (action: string, members: Members): Promise<string | undefined> =>
    (await sendForm(holdfast, action, members)).code
  const before = await world()
  const one = subnetIds(subnets[0]!)
  assert.equal(await send('CreateDBSubnetGroup', { ...NEW_SUBNETS, ...one }), 'DBSubnetGroupDoesNotCoverEnoughAZs')
  const taken = { ...NEW_SUBNETS, DBSubnetGroupName: 'sg', ...subnetIds(...subnets) }
  assert.equal(await send('CreateDBSubnetGroup', taken), 'DBSubnetGroupAlreadyExists')
  const mixed = { ...NEW_SUBNETS, ...subnetIds(subnets[0]!, foreignSubnets[1]!) }
  assert.equal(await send('CreateDBSubnetGroup', mixed), 'InvalidSubnet')
  const moved = { DBSubnetGroupName: 'sg', ...subnetIds(...foreignSubnets) }
  assert.equal(await send('ModifyDBSubnetGroup', moved), VALUE)
  const unknown = { DBSubnetGroupName: 'no-group', ...subnetIds(...subnets) }
  assert.equal(await send('ModifyDBSubnetGroup', unknown), 'DBSubnetGroupNotFoundFault')
  assert.deepEqual(await world(), before)
})

test('an action that is none, and none at all, are refused', async () => {
  assert.equal((await sendForm(holdfast, 'MakeCoffee')).code, 'InvalidAction')
  assert.equal((await sendForm(holdfast, '')).status, 400)
})

test('what every row starts from is itself accepted', async () => {
  await make('CreateDBInstance', GOOD)
  await make('DeleteDBInstance', { DBInstanceIdentifier: 'new', SkipFinalSnapshot: true })
  await make('CreateDBParameterGroup', NEW_GROUP)
  await make('ModifyDBParameterGroup', { DBParameterGroupName: 'pg', ...parameter('work_mem', '64') })
  await make('ResetDBParameterGroup', { DBParameterGroupName: 'pg' })
  await make('CreateDBSubnetGroup', { ...NEW_SUBNETS, ...subnetIds(...subnets) })
})
