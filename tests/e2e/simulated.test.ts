/** `--engines simulated`: the very next call sees the outcome, and nothing of it is a process. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  AddTagsToResourceCommand,
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  CreateDBSubnetGroupCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBSnapshotsCommand,
  DescribeDBSubnetGroupsCommand,
  ModifyDBInstanceCommand,
  paginateDescribeDBInstances,
  RebootDBInstanceCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { createInput, createInstance, describe } from '../support/database.ts'
import { discard, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast({ engines: 'simulated' })
  rds = holdfast.rds()
})

after(() => discard(holdfast))

const reset = async (of: Holdfast): Promise<void> => {
  const reply = await fetch(`${of.url}/_holdfast/reset`, { method: 'POST' })
  assert.equal(reply.status, 200)
}

beforeEach(() => reset(holdfast))

const statusOf = async (id: string): Promise<string | undefined> => (await describe(rds, id))?.DBInstanceStatus

const make = (id: string, client = rds): Promise<unknown> => client.send(new CreateDBInstanceCommand(createInput(id)))

test('each operation is done when the next call comes', async () => {
  const id = { DBInstanceIdentifier: 'next' }
  await make('next')
  assert.equal(await statusOf('next'), 'available')
  await rds.send(new StopDBInstanceCommand(id))
  assert.equal(await statusOf('next'), 'stopped')
  await rds.send(new StartDBInstanceCommand(id))
  assert.equal(await statusOf('next'), 'available')
  await rds.send(new RebootDBInstanceCommand(id))
  assert.equal(await statusOf('next'), 'available')
  await rds.send(new ModifyDBInstanceCommand({ ...id, DBInstanceClass: 'db.m6g.large', ApplyImmediately: true }))
  assert.equal((await describe(rds, 'next'))!.DBInstanceClass, 'db.m6g.large')
  assert.equal(await statusOf('next'), 'available')
  await rds.send(new CreateDBSnapshotCommand({ ...id, DBSnapshotIdentifier: 'snap' }))
  const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'snap' }))
  assert.equal(DBSnapshots![0]!.Status, 'available')
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: 'again', DBSnapshotIdentifier: 'snap' }),
  )
  assert.equal(await statusOf('again'), 'available')
  await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'snap' }))
  await assert.rejects(rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'snap' })), {
    name: 'DBSnapshotNotFoundFault',
  })
  await rds.send(new DeleteDBInstanceCommand({ ...id, FinalDBSnapshotIdentifier: 'last' }))
  assert.equal(await statusOf('next'), undefined)
  assert.deepEqual(
    (await processesOf(holdfast.state)).map(({ pid }) => pid),
    [holdfast.process.pid],
  )
})

test('what needs more than one machine or a key is accepted and echoed, since no process could prove it wrong', async () => {
  const more = { MultiAZ: true, StorageEncrypted: true, EnableIAMDatabaseAuthentication: true }
  await rds.send(new CreateDBInstanceCommand(createInput('secure', more)))
  const { MultiAZ, StorageEncrypted, IAMDatabaseAuthenticationEnabled } = (await describe(rds, 'secure'))!
  assert.deepEqual([MultiAZ, StorageEncrypted, IAMDatabaseAuthenticationEnabled], [true, true, true])
})

test('accounts and regions see only their own', async () => {
  const places = [
    { account: '111111111111', region: 'eu-west-1' },
    { account: '111111111111', region: 'us-east-1' },
    { account: '222222222222', region: 'eu-west-1' },
  ]
  for (const place of places) await make('same-name', holdfast.rds(place))
  const arns = new Set<string>()
  const resources = new Set<string>()
  for (const place of places) {
    const { DBInstances } = await holdfast.rds(place).send(new DescribeDBInstancesCommand({}))
    assert.equal(DBInstances!.length, 1)
    const [{ DBInstanceArn, DbiResourceId, AvailabilityZone }] = DBInstances as [DBInstance]
    assert.equal(DBInstanceArn, `arn:aws:rds:${place.region}:${place.account}:db:same-name`)
    assert.ok(AvailabilityZone!.startsWith(place.region))
    arns.add(DBInstanceArn!)
    resources.add(DbiResourceId!)
  }
  assert.deepEqual([arns.size, resources.size], [3, 3])
  const [first, ...others] = places.map((place) => holdfast.rds(place))
  await first!.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'same-name', SkipFinalSnapshot: true }))
  assert.equal(await describe(first!, 'same-name'), undefined)
  for (const other of others) assert.ok(await describe(other, 'same-name'))
  assert.equal(await describe(rds, 'same-name'), undefined)
})

test('a reset wipes all accounts and regions, and what comes by itself is there again', async () => {
  const elsewhere = holdfast.rds({ account: '333333333333', region: 'ap-south-1' })
  const subnets = (await rds.send(new DescribeDBSubnetGroupsCommand({}))).DBSubnetGroups![0]!.Subnets!
  for (const client of [rds, elsewhere]) {
    await make('wiped', client)
    await client.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'wiped', DBSnapshotIdentifier: 'wiped-1' }))
    await client.send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: 'mine',
        DBParameterGroupFamily: 'postgres18',
        Description: 'to be wiped',
      }),
    )
  }
  await rds.send(
    new CreateDBSubnetGroupCommand({
      DBSubnetGroupName: 'mine',
      DBSubnetGroupDescription: 'to be wiped',
      SubnetIds: subnets.map(({ SubnetIdentifier }) => SubnetIdentifier!),
    }),
  )
  await reset(holdfast)
  for (const client of [rds, elsewhere]) {
    assert.deepEqual((await client.send(new DescribeDBInstancesCommand({}))).DBInstances, [])
    assert.deepEqual((await client.send(new DescribeDBSnapshotsCommand({}))).DBSnapshots, [])
    const { DBParameterGroups } = await client.send(new DescribeDBParameterGroupsCommand({}))
    assert.ok(DBParameterGroups!.every(({ DBParameterGroupName }) => DBParameterGroupName!.startsWith('default.')))
    const { DBSubnetGroups } = await client.send(new DescribeDBSubnetGroupsCommand({}))
    assert.deepEqual(
      DBSubnetGroups!.map(({ DBSubnetGroupName }) => DBSubnetGroupName),
      ['default'],
    )
    await make('wiped', client)
    assert.ok(await describe(client, 'wiped'))
  }
})

test('a reset with real engines stops them all, in every account and region', async () => {
  const real = await startHoldfast()
  try {
    const elsewhere = real.rds({ account: '333333333333', region: 'ap-south-1' })
    await Promise.all([createInstance(real.rds(), 'wiped'), createInstance(elsewhere, 'wiped')])
    assert.equal((await processesOf(`${real.state}/hosts/a/instances`)).length, 2)
    await reset(real)
    assert.deepEqual(await processesOf(`${real.state}/hosts/a/instances`), [])
    for (const client of [real.rds(), elsewhere]) assert.equal(await describe(client, 'wiped'), undefined)
    await createInstance(real.rds(), 'wiped')
  } finally {
    await discard(real)
  }
})

test('three hundred instances created at once are all available, and come in pages', async () => {
  const ids = Array.from({ length: 300 }, (_, n) => `many-${String(n).padStart(3, '0')}`)
  await Promise.all(ids.map((id) => make(id)))
  const seen: DBInstance[] = []
  for await (const { DBInstances } of paginateDescribeDBInstances({ client: rds, pageSize: 100 }, {})) {
    assert.ok(DBInstances!.length <= 100)
    seen.push(...DBInstances!)
  }
  assert.deepEqual(
    seen.map(({ DBInstanceIdentifier, DBInstanceStatus }) => `${DBInstanceIdentifier} ${DBInstanceStatus}`),
    ids.map((id) => `${id} available`),
  )
})

test('an instance is found the way that Terraform looks for it', async () => {
  const Tags = [{ Key: 'env', Value: 'test' }]
  const { DBInstance: created } = await rds.send(new CreateDBInstanceCommand(createInput('tf', { Tags })))
  await make('other')
  const find = async (Name: string, value: string): Promise<DBInstance[]> => {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ Filters: [{ Name, Values: [value] }] }))
    return DBInstances!
  }
  const [byName, ...more] = await find('db-instance-id', 'tf')
  assert.deepEqual([byName!.DbiResourceId, more], [created!.DbiResourceId, []])
  await rds.send(
    new AddTagsToResourceCommand({ ResourceName: byName!.DBInstanceArn!, Tags: [{ Key: 'team', Value: 'orders' }] }),
  )
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'tf',
      NewDBInstanceIdentifier: 'tf-new',
      ApplyImmediately: true,
    }),
  )
  const [byResource] = await find('dbi-resource-id', created!.DbiResourceId!)
  assert.equal(byResource!.DBInstanceIdentifier, 'tf-new')
  assert.deepEqual(byResource!.TagList, [...Tags, { Key: 'team', Value: 'orders' }])
  assert.deepEqual(byResource!.PendingModifiedValues, {})
  assert.equal((await find('db-instance-id', byResource!.DBInstanceArn!)).length, 1)
  assert.deepEqual(await find('db-instance-id', 'tf'), [])
})
