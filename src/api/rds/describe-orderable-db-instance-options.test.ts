import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceClasses, supportsMajor } from '#catalog/instance-classes.ts'
import { storageTypes } from '#catalog/storage.ts'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { putInstance } from '../../../tests/support/instance.ts'
import { DescribeOrderableDBInstanceOptions } from './describe-orderable-db-instance-options.ts'
import { DescribeValidDBInstanceModifications } from './describe-valid-db-instance-modifications.ts'

const context = requestContext(testControl())

test('an option says what storage a class can have with a version', async () => {
  const input = { Engine: 'postgres', EngineVersion: '17.10', DBInstanceClass: 'db.t3.micro' }
  const { OrderableDBInstanceOptions: options } = await DescribeOrderableDBInstanceOptions(input, context)
  assert.deepEqual(
    options!.map((option) => option.StorageType),
    ['gp2', 'gp3', 'io1', 'io2', 'standard'],
  )
  const gp3 = options![1]!
  assert.deepEqual([gp3.MinStorageSize, gp3.MaxStorageSize, gp3.SupportsIops], [20, 65_536, true])
  assert.deepEqual(
    gp3.AvailabilityZones!.map((zone) => zone.Name),
    ['us-east-1a', 'us-east-1b', 'us-east-1c'],
  )
})

test('old classes are not offered with new majors, nor other engines', async () => {
  const count = async (input: { Engine: string; DBInstanceClass?: string; Vpc?: boolean }): Promise<number> =>
    (await DescribeOrderableDBInstanceOptions(input, context)).OrderableDBInstanceOptions!.length
  assert.equal(await count({ Engine: 'postgres', DBInstanceClass: 'db.t2.micro' }), 0)
  assert.equal(await count({ Engine: 'mysql' }), 0)
  assert.equal(await count({ Engine: 'postgres', Vpc: false }), 0)
})

test('all options come in pages, none twice', async () => {
  const keys: string[] = []
  let Marker: string | undefined
  do {
    const reply = await DescribeOrderableDBInstanceOptions(
      { Engine: 'postgres', MaxRecords: 1000, ...(Marker !== undefined && { Marker }) },
      context,
    )
    keys.push(
      ...reply.OrderableDBInstanceOptions!.map(
        (one) => `${one.EngineVersion}/${one.DBInstanceClass}/${one.StorageType}`,
      ),
    )
    Marker = reply.Marker
  } while (Marker !== undefined)
  const offered = instanceClasses.filter((one) => supportsMajor(one, '18')).length * Object.keys(storageTypes).length
  assert.equal(keys.length, offered * context.control.versions.length)
  assert.equal(new Set(keys).size, keys.length)
  assert.deepEqual([...new Set(keys.map((key) => key.split('/')[0]))], ['15.18', '17.9', '17.10', '18.3', '18.4'])
  for (const MaxRecords of [19, 1001, -1])
    await assert.rejects(async () => DescribeOrderableDBInstanceOptions({ Engine: 'postgres', MaxRecords }, context), {
      name: 'InvalidParameterValue',
    })
})

test('an instance can be changed to storage that is not smaller', async () => {
  await putInstance(context.control)
  const reply = await DescribeValidDBInstanceModifications({ DBInstanceIdentifier: 'orders' }, context)
  const { Storage } = reply.ValidDBInstanceModificationsMessage!
  const gp2 = Storage!.find((one) => one.StorageType === 'gp2')
  assert.deepEqual(gp2!.StorageSize, [{ From: 20, To: 65_536, Step: 1 }])
  await assert.rejects(async () => DescribeValidDBInstanceModifications({ DBInstanceIdentifier: 'nope' }, context), {
    name: 'DBInstanceNotFoundFault',
  })
})
