/** The AWS SDK, unmodified, takes an Aurora DB cluster through its life, with its own waiters and paginators. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  AddTagsToResourceCommand,
  CreateDBClusterCommand,
  CreateDBClusterEndpointCommand,
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClusterEndpointsCommand,
  DescribeDBClustersCommand,
  DescribeDBEngineVersionsCommand,
  DescribeEventsCommand,
  DescribeOrderableDBInstanceOptionsCommand,
  FailoverDBClusterCommand,
  ListTagsForResourceCommand,
  ModifyDBClusterCommand,
  paginateDescribeDBClusterParameters,
  RDSClient,
  StartDBClusterCommand,
  StopDBClusterCommand,
  waitUntilDBClusterAvailable,
  waitUntilDBClusterDeleted,
  waitUntilDBInstanceAvailable,
  waitUntilDBInstanceDeleted,
  type DBCluster,
} from '@aws-sdk/client-rds'
import { discard, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ engines: 'simulated' })
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  rds = new RDSClient({ endpoint: holdfast.url, region: 'us-east-1', credentials })
})

after(async () => {
  rds.destroy()
  await discard(holdfast)
})

const NAMED = { DBClusterIdentifier: 'shop' }

const waiting = (): { client: RDSClient; maxWaitTime: number; minDelay: number } => ({
  client: rds,
  maxWaitTime: 60,
  minDelay: 1,
})

const shown = async (): Promise<DBCluster> => (await rds.send(new DescribeDBClustersCommand(NAMED))).DBClusters![0]!

const writer = async (): Promise<string | undefined> =>
  (await shown()).DBClusterMembers!.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier

test('a cluster lives: made, filled, failed over, stopped, started, emptied and deleted', async () => {
  const Engine = 'aurora-postgresql'
  const master = { MasterUsername: 'app', ManageMasterUserPassword: true }
  const Tags = [{ Key: 'team', Value: 'goods' }]
  const { DBCluster: made } = await rds.send(new CreateDBClusterCommand({ ...NAMED, ...master, Engine, Tags }))
  assert.match(made!.MasterUserSecret!.SecretArn!, /^arn:aws:secretsmanager:/)
  await waitUntilDBClusterAvailable(waiting(), NAMED)
  for (const DBInstanceIdentifier of ['one', 'two', 'three']) {
    const instance = { ...NAMED, DBInstanceIdentifier, Engine, DBInstanceClass: 'db.r6g.large' }
    await rds.send(new CreateDBInstanceCommand(instance))
    await waitUntilDBInstanceAvailable(waiting(), { DBInstanceIdentifier })
  }
  assert.equal(await writer(), 'one')
  const TargetDBInstanceIdentifier = 'three'
  await rds.send(new FailoverDBClusterCommand({ ...NAMED, TargetDBInstanceIdentifier }))
  await waitUntilDBClusterAvailable(waiting(), NAMED)
  assert.equal(await writer(), 'three')
  await rds.send(new ModifyDBClusterCommand({ ...NAMED, BackupRetentionPeriod: 14 }))
  assert.equal((await shown()).BackupRetentionPeriod, 14)
  await rds.send(new StopDBClusterCommand(NAMED))
  assert.equal((await shown()).Status, 'stopped')
  await rds.send(new StartDBClusterCommand(NAMED))
  await waitUntilDBClusterAvailable(waiting(), NAMED)
  for (const DBInstanceIdentifier of ['three', 'two', 'one']) {
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier }))
    await waitUntilDBInstanceDeleted(waiting(), { DBInstanceIdentifier })
  }
  await rds.send(new DeleteDBClusterCommand({ ...NAMED, SkipFinalSnapshot: true }))
  await waitUntilDBClusterDeleted(waiting(), NAMED)
  const { Events } = await rds.send(new DescribeEventsCommand({ SourceType: 'db-cluster' }))
  assert.deepEqual(
    Events!.map(({ Message }) => Message!.split(/[.:]/)[0]),
    [
      'DB cluster created',
      'Started cross AZ failover to DB instance',
      'Completed failover to DB instance',
      'DB cluster stopped',
      'DB cluster started',
      'Started cross AZ failover to DB instance',
      'Completed failover to DB instance',
      'DB cluster deleted',
    ],
  )
})

test('a custom endpoint is made, listed and tagged', async () => {
  const cluster = { DBClusterIdentifier: 'tagged' }
  const master = { MasterUsername: 'app', MasterUserPassword: 'correct-horse-battery' }
  await rds.send(new CreateDBClusterCommand({ ...cluster, ...master, Engine: 'aurora-postgresql' }))
  const endpoint = { ...cluster, DBClusterEndpointIdentifier: 'reports', EndpointType: 'ANY' }
  const { DBClusterEndpointArn: ResourceName } = await rds.send(new CreateDBClusterEndpointCommand(endpoint))
  const Tags = [{ Key: 'for', Value: 'reports' }]
  await rds.send(new AddTagsToResourceCommand({ ResourceName, Tags }))
  assert.deepEqual((await rds.send(new ListTagsForResourceCommand({ ResourceName }))).TagList, Tags)
  const Filters = [{ Name: 'db-cluster-endpoint-type', Values: ['custom'] }]
  const { DBClusterEndpoints } = await rds.send(new DescribeDBClusterEndpointsCommand({ ...cluster, Filters }))
  assert.deepEqual(
    DBClusterEndpoints!.map(({ DBClusterEndpointIdentifier }) => DBClusterEndpointIdentifier),
    ['reports'],
  )
})

test('versions, classes and parameters of Aurora PostgreSQL are those that clusters are made of', async () => {
  const Engine = 'aurora-postgresql'
  const { DBEngineVersions } = await rds.send(new DescribeDBEngineVersionsCommand({ Engine, DefaultOnly: true }))
  const [version] = DBEngineVersions!
  assert.deepEqual([version!.EngineVersion, version!.DBParameterGroupFamily], ['18.4', 'aurora-postgresql18'])
  const asked = { Engine, EngineVersion: '17.5', DBInstanceClass: 'db.r6g.large' }
  const { OrderableDBInstanceOptions } = await rds.send(new DescribeOrderableDBInstanceOptionsCommand(asked))
  assert.deepEqual(
    OrderableDBInstanceOptions!.map(({ StorageType, SupportsClusters }) => [StorageType, SupportsClusters]),
    [['aurora', true]],
  )
  const names: (string | undefined)[] = []
  const group = { DBClusterParameterGroupName: 'default.aurora-postgresql18' }
  for await (const { Parameters } of paginateDescribeDBClusterParameters({ client: rds }, group))
    names.push(...Parameters!.map(({ ParameterName }) => ParameterName))
  assert.ok(names.includes('rds.force_ssl') && names.includes('work_mem'))
  assert.ok(!names.includes('flow_control.target_standby_apply_lag'))
})
