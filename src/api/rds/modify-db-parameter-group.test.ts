import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Parameter } from '@aws-sdk/client-rds'
import { putInstance, removeInstance } from '../../../tests/support/instance.ts'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import type { RequestContext } from '../handler.ts'
import { CopyDBParameterGroup } from './copy-db-parameter-group.ts'
import { CreateDBParameterGroup } from './create-db-parameter-group.ts'
import { DeleteDBParameterGroup } from './delete-db-parameter-group.ts'
import { DescribeDBParameterGroups } from './describe-db-parameter-groups.ts'
import { DescribeDBParameters } from './describe-db-parameters.ts'
import { DescribeEngineDefaultParameters } from './describe-engine-default-parameters.ts'
import { DescribeEvents } from './describe-events.ts'
import { ListTagsForResource } from './list-tags-for-resource.ts'
import { ModifyDBParameterGroup } from './modify-db-parameter-group.ts'
import { ResetDBParameterGroup } from './reset-db-parameter-group.ts'

type Given = Parameters<typeof ModifyDBParameterGroup>[0]['Parameters'][number]

const Description = 'for tests'

async function withGroup(): Promise<RequestContext> {
  const context = requestContext(testControl())
  await CreateDBParameterGroup(
    { DBParameterGroupName: 'Tuned', DBParameterGroupFamily: 'postgres18', Description },
    context,
  )
  return context
}

function set(
  ParameterName: string,
  ParameterValue: string,
  ApplyMethod: 'immediate' | 'pending-reboot' = 'immediate',
): Given {
  return { ParameterName, ParameterValue, ApplyMethod }
}

const modify = (context: RequestContext, ...Parameters: Given[]): unknown =>
  ModifyDBParameterGroup({ DBParameterGroupName: 'tuned', Parameters }, context)

async function userValues(context: RequestContext, DBParameterGroupName = 'tuned'): Promise<Record<string, string>> {
  const { Parameters } = await DescribeDBParameters({ DBParameterGroupName, Source: 'user' }, context)
  return Object.fromEntries(Parameters!.map((one) => [one.ParameterName!, `${one.ParameterValue} ${one.ApplyMethod}`]))
}

test('a group is created in lower case and described', async () => {
  const context = await withGroup()
  const { DBParameterGroups } = await DescribeDBParameterGroups({ DBParameterGroupName: 'TUNED' }, context)
  assert.deepEqual(DBParameterGroups, [
    {
      DBParameterGroupName: 'tuned',
      DBParameterGroupFamily: 'postgres18',
      Description,
      DBParameterGroupArn: 'arn:aws:rds:us-east-1:000000000000:pg:tuned',
    },
  ])
})

test('default groups of what can run here are there without being created', async () => {
  const context = await withGroup()
  const { DBParameterGroups } = await DescribeDBParameterGroups({}, context)
  assert.deepEqual(
    DBParameterGroups!.map((group) => group.DBParameterGroupName),
    ['default.postgres15', 'default.postgres17', 'default.postgres18', 'tuned'],
  )
})

test('values that are set are described as the user set them, and others as RDS or the engine has them', async () => {
  const context = await withGroup()
  await modify(
    context,
    set('work_mem', '8192'),
    set('Max_Connections', 'LEAST({DBInstanceClassMemory/9531392},100)', 'pending-reboot'),
  )
  assert.deepEqual(await userValues(context), {
    max_connections: 'LEAST({DBInstanceClassMemory/9531392},100) pending-reboot',
    work_mem: '8192 immediate',
  })
  const describe = async (name: string): Promise<Parameter | undefined> => {
    const Filters = [{ Name: 'parameter-name', Values: [name] }]
    return (await DescribeDBParameters({ DBParameterGroupName: 'tuned', Filters }, context)).Parameters![0]
  }
  const system = await describe('shared_buffers')
  assert.equal(system?.Source, 'system')
  assert.equal(system?.ParameterValue, '{DBInstanceClassMemory/32768}')
  assert.equal(system?.ApplyType, 'static')
  const engine = await describe('deadlock_timeout')
  assert.equal(engine?.Source, 'engine-default')
  assert.equal(engine?.ParameterValue, undefined)
  assert.equal(engine?.DataType, 'integer')
})

test('what cannot be set is refused in the words of RDS, and nothing is changed', async () => {
  const context = await withGroup()
  const refused = (code: string, message: RegExp, ...parameters: Given[]): Promise<void> =>
    assert.rejects(async () => modify(context, set('jit', '0'), ...parameters), { name: code, message })
  await refused('InvalidParameterValue', /^Could not find parameter with name: no_such$/, set('no_such', '1'))
  await refused('InvalidParameterValue', /^The parameter fsync cannot be modified\.$/, set('fsync', '0'))
  await refused(
    'InvalidParameterValue',
    /^Invalid parameter value: abc for: work_mem allowed values are: 64-2147483647$/,
    set('work_mem', 'abc'),
  )
  await refused(
    'InvalidParameterCombination',
    /^cannot use immediate apply method for static parameter$/,
    set('shared_buffers', '1000'),
  )
  await refused('InvalidParameterValue', /formula/, set('work_mem', '{DBInstanceClassMemory/0}'))
  await refused('InvalidParameterValue', /formula/, set('work_mem', '{NoSuchVariable/2}'))
  await refused('InvalidParameterValue', /ApplyMethod must be provided/, {
    ParameterName: 'work_mem',
    ParameterValue: '64',
  })
  await refused('InvalidParameterValue', /ParameterValue must be provided/, {
    ParameterName: 'work_mem',
    ApplyMethod: 'immediate',
  })
  await refused('InvalidParameterValue', /only once/, set('JIT', '1'))
  await refused('InvalidParameterValue', /At most 20/, ...Array.from({ length: 20 }, () => set('work_mem', '64')))
  assert.deepEqual(await userValues(context), {})
})

test('a default group cannot be modified, reset, copied or deleted', async () => {
  const context = await withGroup()
  const DBParameterGroupName = 'default.postgres18'
  const name = 'InvalidParameterValue'
  const change = { DBParameterGroupName, Parameters: [set('jit', '0')] }
  await assert.rejects(async () => ModifyDBParameterGroup(change, context), {
    name,
    message: 'Cannot modify a default parameter group.',
  })
  await assert.rejects(async () => ResetDBParameterGroup({ DBParameterGroupName }, context), { name })
  const copy = {
    SourceDBParameterGroupIdentifier: DBParameterGroupName,
    TargetDBParameterGroupIdentifier: 'copied',
    TargetDBParameterGroupDescription: Description,
  }
  await assert.rejects(async () => CopyDBParameterGroup(copy, context), { name })
  await assert.rejects(async () => DeleteDBParameterGroup({ DBParameterGroupName }, context), {
    name: 'InvalidDBParameterGroupStateFault',
  })
})

test('some values are reset, or all', async () => {
  const context = await withGroup()
  await modify(context, set('jit', '0'), set('work_mem', '64'), set('shared_buffers', '1000', 'pending-reboot'))
  await ResetDBParameterGroup(
    { DBParameterGroupName: 'tuned', Parameters: [{ ParameterName: 'jit', ApplyMethod: 'immediate' }] },
    context,
  )
  assert.deepEqual(await userValues(context), { shared_buffers: '1000 pending-reboot', work_mem: '64 immediate' })
  await ResetDBParameterGroup({ DBParameterGroupName: 'tuned', ResetAllParameters: true }, context)
  assert.deepEqual(await userValues(context), {})
})

test('a change is recorded as an event of the group', async () => {
  const context = await withGroup()
  await modify(context, set('work_mem', '64'))
  const { Events } = await DescribeEvents({ SourceType: 'db-parameter-group' }, context)
  assert.deepEqual(
    Events!.map((event) => event.Message),
    ['Updated parameter work_mem to 64 with apply method immediate'],
  )
})

test('a copy has the values and tags of its source', async () => {
  const context = await withGroup()
  await modify(context, set('work_mem', '64'))
  await CopyDBParameterGroup(
    {
      SourceDBParameterGroupIdentifier: 'arn:aws:rds:us-east-1:000000000000:pg:tuned',
      TargetDBParameterGroupIdentifier: 'Copied',
      TargetDBParameterGroupDescription: 'a copy',
      Tags: [{ Key: 'team', Value: 'a' }],
    },
    context,
  )
  assert.deepEqual(await userValues(context, 'copied'), { work_mem: '64 immediate' })
  const { TagList } = await ListTagsForResource(
    { ResourceName: 'arn:aws:rds:us-east-1:000000000000:pg:copied' },
    context,
  )
  assert.deepEqual(TagList, [{ Key: 'team', Value: 'a' }])
})

test('a group that an instance uses cannot be deleted until it does no more', async () => {
  const context = await withGroup()
  const remove = async (): Promise<unknown> => DeleteDBParameterGroup({ DBParameterGroupName: 'tuned' }, context)
  await putInstance(context.control, { parameterGroup: 'tuned' })
  await assert.rejects(remove, { name: 'InvalidDBParameterGroupStateFault' })
  await removeInstance(context.control, 'orders')
  await remove()
  await assert.rejects(remove, { name: 'DBParameterGroupNotFoundFault', message: 'DBParameterGroup not found: tuned' })
})

test('a group needs a good name, a known family, and to be new', async () => {
  const context = await withGroup()
  const create =
    (DBParameterGroupName: string, DBParameterGroupFamily = 'postgres18') =>
    async (): Promise<unknown> =>
      CreateDBParameterGroup({ DBParameterGroupName, DBParameterGroupFamily, Description }, context)
  await assert.rejects(create('tuned'), {
    name: 'DBParameterGroupAlreadyExistsFault',
    message: 'Parameter group tuned already exists',
  })
  await assert.rejects(create('x', 'postgres9.6'), {
    name: 'InvalidParameterValue',
    message: /postgres9\.6 is not a valid parameter group family/,
  })
  for (const name of ['', '1a', 'a--b', 'a-', 'default.postgres18', 'a b', 'a/b', 'x'.repeat(256)])
    await assert.rejects(create(name), { name: 'InvalidParameterValue' }, name)
})

test('engine defaults are paged', async () => {
  const context = requestContext(testControl())
  const names: (string | undefined)[] = []
  let Marker: string | undefined
  do {
    const input = { DBParameterGroupFamily: 'postgres18', ...(Marker !== undefined && { Marker }) }
    const { EngineDefaults } = await DescribeEngineDefaultParameters(input, context)
    names.push(...EngineDefaults!.Parameters!.map((parameter) => parameter.ParameterName))
    assert.ok(EngineDefaults!.Parameters!.length <= 100)
    Marker = EngineDefaults!.Marker
  } while (Marker !== undefined)
  assert.ok(names.length > 200)
  assert.equal(new Set(names).size, names.length)
})
