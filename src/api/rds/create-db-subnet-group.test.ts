import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DBSubnetGroup } from '@aws-sdk/client-rds'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { instanceRecord, putInstance, removeInstance } from '../../../tests/support/instance.ts'
import type { RequestContext } from '../handler.ts'
import { CreateDBSubnetGroup } from './create-db-subnet-group.ts'
import { DeleteDBSubnetGroup } from './delete-db-subnet-group.ts'
import { DescribeDBSubnetGroups } from './describe-db-subnet-groups.ts'
import { ModifyDBSubnetGroup } from './modify-db-subnet-group.ts'

async function withSubnets(): Promise<{ context: RequestContext; ids: string[]; standard: DBSubnetGroup }> {
  const context = requestContext(testControl())
  const { DBSubnetGroups } = await DescribeDBSubnetGroups({ DBSubnetGroupName: 'default' }, context)
  const standard = DBSubnetGroups![0]!
  return { context, standard, ids: standard.Subnets!.map((subnet) => subnet.SubnetIdentifier!) }
}

const create =
  (context: RequestContext, DBSubnetGroupName: string, SubnetIds: string[]) => async (): Promise<DBSubnetGroup> => {
    const input = { DBSubnetGroupName, DBSubnetGroupDescription: 'for tests', SubnetIds }
    return (await CreateDBSubnetGroup(input, context)).DBSubnetGroup!
  }

test('the default group covers the default VPC in three zones', async () => {
  const { standard } = await withSubnets()
  assert.equal(standard.DBSubnetGroupName, 'default')
  assert.equal(standard.SubnetGroupStatus, 'Complete')
  assert.deepEqual(
    new Set(standard.Subnets!.map((subnet) => subnet.SubnetAvailabilityZone!.Name)),
    new Set(['us-east-1a', 'us-east-1b', 'us-east-1c']),
  )
})

test('a group is created in lower case, listed, modified and deleted', async () => {
  const { context, ids, standard } = await withSubnets()
  const group = await create(context, 'Mine', ids.slice(0, 2))()
  assert.equal(group.DBSubnetGroupName, 'mine')
  assert.equal(group.VpcId, standard.VpcId)
  assert.equal(group.DBSubnetGroupArn, 'arn:aws:rds:us-east-1:000000000000:subgrp:mine')
  assert.equal(group.Subnets!.length, 2)
  const modified = await ModifyDBSubnetGroup({ DBSubnetGroupName: 'MINE', SubnetIds: ids }, context)
  assert.equal(modified.DBSubnetGroup!.Subnets!.length, 3)
  const listed = await DescribeDBSubnetGroups({}, context)
  assert.deepEqual(
    listed.DBSubnetGroups!.map((one) => one.DBSubnetGroupName),
    ['default', 'mine'],
  )
  await DeleteDBSubnetGroup({ DBSubnetGroupName: 'mine' }, context)
  await assert.rejects(async () => DescribeDBSubnetGroups({ DBSubnetGroupName: 'mine' }, context), {
    name: 'DBSubnetGroupNotFoundFault',
  })
})

test('a group needs subnets that exist, in two zones', async () => {
  const { context, ids } = await withSubnets()
  await assert.rejects(create(context, 'mine', ids.slice(0, 1)), { name: 'DBSubnetGroupDoesNotCoverEnoughAZs' })
  await assert.rejects(create(context, 'mine', [ids[0]!, ids[0]!]), { name: 'DBSubnetGroupDoesNotCoverEnoughAZs' })
  await assert.rejects(create(context, 'mine', [...ids, 'subnet-missing']), {
    name: 'InvalidSubnet',
    message: /subnet-missing/,
  })
  await assert.rejects(create(context, 'mine', []), { name: 'InvalidParameterValue' })
})

test('a group needs a good name that is new', async () => {
  const { context, ids } = await withSubnets()
  for (const name of ['', 'Default', 'a/b', 'x'.repeat(256)])
    await assert.rejects(create(context, name, ids), { name: 'InvalidParameterValue' }, name)
  await create(context, 'mine', ids)()
  await assert.rejects(create(context, 'MINE', ids), { name: 'DBSubnetGroupAlreadyExistsFault' })
})

test('a group in use and the default group cannot be deleted', async () => {
  const { context, ids } = await withSubnets()
  const remove = (DBSubnetGroupName: string) => async (): Promise<unknown> =>
    DeleteDBSubnetGroup({ DBSubnetGroupName }, context)
  await create(context, 'mine', ids)()
  await putInstance(context.control, { settings: { ...instanceRecord().settings, DBSubnetGroupName: 'mine' } })
  await assert.rejects(remove('mine'), { name: 'InvalidDBSubnetGroupStateFault' })
  await removeInstance(context.control, 'orders')
  await remove('mine')()
  await assert.rejects(remove('default'), { name: 'InvalidDBSubnetGroupStateFault' })
})
