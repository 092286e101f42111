import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { putInstance } from '../../../tests/support/instance.ts'
import type { RequestContext } from '../handler.ts'
import { AddTagsToResource } from './add-tags-to-resource.ts'
import { CreateOptionGroup } from './create-option-group.ts'
import { DescribeDBParameterGroups } from './describe-db-parameter-groups.ts'
import { ListTagsForResource } from './list-tags-for-resource.ts'
import { RemoveTagsFromResource } from './remove-tags-from-resource.ts'

type Tag = Parameters<typeof AddTagsToResource>[0]['Tags'][number]

const arn = (rest: string): string => `arn:aws:rds:us-east-1:000000000000:${rest}`

async function withInstance(): Promise<RequestContext> {
  const control = testControl()
  await putInstance(control)
  return requestContext(control)
}

const add = async (context: RequestContext, ResourceName: string, Tags: Tag[]): Promise<unknown> =>
  AddTagsToResource({ ResourceName, Tags }, context)

async function tagsOf(context: RequestContext, ResourceName: string): Promise<Record<string, string>> {
  const { TagList } = await ListTagsForResource({ ResourceName }, context)
  return Object.fromEntries(TagList!.map(({ Key, Value }) => [Key!, Value!]))
}

test('tags are added, replaced and removed', async () => {
  const context = await withInstance()
  await add(context, arn('db:orders'), [{ Key: 'team', Value: 'a' }, { Key: 'empty' }])
  await add(context, arn('db:ORDERS'), [{ Key: 'team', Value: 'b' }])
  assert.deepEqual(await tagsOf(context, arn('db:orders')), { empty: '', team: 'b' })
  await RemoveTagsFromResource({ ResourceName: arn('db:orders'), TagKeys: ['empty', 'unknown'] }, context)
  assert.deepEqual(await tagsOf(context, arn('db:orders')), { team: 'b' })
})

test('groups carry tags too, default ones among them', async () => {
  const context = await withInstance()
  await CreateOptionGroup(
    {
      OptionGroupName: 'mine',
      EngineName: 'postgres',
      MajorEngineVersion: '18',
      OptionGroupDescription: 'x',
      Tags: [{ Key: 'a', Value: '1' }],
    },
    context,
  )
  assert.deepEqual(await tagsOf(context, arn('og:mine')), { a: '1' })
  for (const name of ['pg:default.postgres18', 'og:default:postgres-18', 'subgrp:default']) {
    assert.deepEqual(await tagsOf(context, arn(name)), {})
    await add(context, arn(name), [{ Key: 'b', Value: '2' }])
    assert.deepEqual(await tagsOf(context, arn(name)), { b: '2' })
  }
  const { DBParameterGroups } = await DescribeDBParameterGroups({}, context)
  assert.equal(DBParameterGroups!.filter((group) => group.DBParameterGroupName === 'default.postgres18').length, 1)
})

test('a resource that is not there has no tags', async () => {
  const context = await withInstance()
  const faults: readonly (readonly [string, string])[] = [
    ['db:nope', 'DBInstanceNotFoundFault'],
    ['snapshot:nope', 'DBSnapshotNotFoundFault'],
    ['pg:nope', 'DBParameterGroupNotFoundFault'],
    ['subgrp:nope', 'DBSubnetGroupNotFoundFault'],
    ['og:nope', 'OptionGroupNotFoundFault'],
    ['cluster:nope', 'DBClusterNotFoundFault'],
    ['cluster-pg:nope', 'DBParameterGroupNotFoundFault'],
    ['cluster-snapshot:nope', 'DBClusterSnapshotNotFoundFault'],
    ['es:nope', 'InvalidParameterValue'],
  ]
  for (const [name, code] of faults) {
    await assert.rejects(tagsOf(context, arn(name)), { name: code })
    await assert.rejects(add(context, arn(name), [{ Key: 'a', Value: '' }]), { name: code })
  }
  await assert.rejects(tagsOf(context, 'orders'), { name: 'InvalidParameterValue' })
  await assert.rejects(tagsOf(context, 'arn:aws:rds:eu-west-1:000000000000:db:orders'), {
    name: 'InvalidParameterValue',
  })
  await assert.rejects(tagsOf(context, 'arn:aws:rds:us-east-1:111111111111:db:orders'), {
    name: 'InvalidParameterValue',
  })
})

test('tags keep the rules of AWS', async () => {
  const context = await withInstance()
  const refused = (code: string, ...tags: Tag[]): Promise<void> =>
    assert.rejects(add(context, arn('db:orders'), tags), { name: code })
  await refused('InvalidParameterValue', { Key: '', Value: 'x' })
  await refused('InvalidParameterValue', { Key: 'k'.repeat(129), Value: 'x' })
  await refused('InvalidParameterValue', { Key: 'k', Value: 'x'.repeat(257) })
  await refused('InvalidParameterValue', { Key: 'aws:x', Value: 'x' })
  await refused('InvalidParameterValue', { Key: 'a*b', Value: 'x' })
  await refused('InvalidParameterValue', { Key: 'a', Value: '1' }, { Key: 'a', Value: '2' })
  const many = (count: number, from: number): Tag[] =>
    Array.from({ length: count }, (_, n) => ({ Key: `k${from + n}`, Value: '' }))
  await add(context, arn('db:orders'), many(50, 0))
  await refused('InvalidParameterCombination', ...many(1, 50))
  await add(context, arn('db:orders'), [{ Key: 'k0', Value: 'changed' }])
})
