import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { instanceRecord, putInstance, removeInstance } from '../../../tests/support/instance.ts'
import { CopyOptionGroup } from './copy-option-group.ts'
import { CreateOptionGroup } from './create-option-group.ts'
import { DeleteOptionGroup } from './delete-option-group.ts'
import { DescribeOptionGroupOptions } from './describe-option-group-options.ts'
import { DescribeOptionGroups } from './describe-option-groups.ts'
import { ModifyOptionGroup } from './modify-option-group.ts'

const wanted = {
  OptionGroupName: 'Mine',
  EngineName: 'postgres',
  MajorEngineVersion: '18',
  OptionGroupDescription: 'for tests',
}

test('default groups exist for each major, and others are created beside them', async () => {
  const context = requestContext(testControl())
  const { OptionGroup } = await CreateOptionGroup(wanted, context)
  assert.equal(OptionGroup!.OptionGroupName, 'mine')
  assert.deepEqual(OptionGroup!.Options, [])
  const one = await DescribeOptionGroups({ OptionGroupName: 'default:postgres-17' }, context)
  assert.equal(one.OptionGroupsList![0]!.MajorEngineVersion, '17')
  const some = await DescribeOptionGroups({ EngineName: 'postgres', MajorEngineVersion: '18' }, context)
  assert.deepEqual(
    some.OptionGroupsList!.map((group) => group.OptionGroupName),
    ['default:postgres-18', 'mine'],
  )
  assert.deepEqual((await DescribeOptionGroupOptions({ EngineName: 'postgres' }, context)).OptionGroupOptions, [])
})

test('a copy is another group', async () => {
  const context = requestContext(testControl())
  await CreateOptionGroup(wanted, context)
  const names = {
    SourceOptionGroupIdentifier: 'mine',
    TargetOptionGroupIdentifier: 'copied',
    TargetOptionGroupDescription: 'x',
  }
  assert.equal((await CopyOptionGroup(names, context)).OptionGroup!.OptionGroupName, 'copied')
})

test('no option can be added', async () => {
  const context = requestContext(testControl())
  await CreateOptionGroup(wanted, context)
  await ModifyOptionGroup({ OptionGroupName: 'mine' }, context)
  const change = { OptionGroupName: 'mine', OptionsToInclude: [{ OptionName: 'TDE' }] }
  await assert.rejects(async () => ModifyOptionGroup(change, context), { name: 'InvalidParameterValue' })
})

test('wrong requests are refused', async () => {
  const context = requestContext(testControl())
  await CreateOptionGroup(wanted, context)
  const create = (changes: object) => async (): Promise<unknown> =>
    CreateOptionGroup({ ...wanted, ...changes }, context)
  await assert.rejects(create({}), { name: 'OptionGroupAlreadyExistsFault' })
  await assert.rejects(create({ OptionGroupName: 'a--b' }), { name: 'InvalidParameterValue' })
  await assert.rejects(create({ OptionGroupName: 'x', EngineName: 'mysql' }), { name: 'InvalidParameterValue' })
  await assert.rejects(create({ OptionGroupName: 'x', MajorEngineVersion: '9' }), {
    name: 'InvalidParameterCombination',
  })
  await assert.rejects(async () => DescribeOptionGroups({ OptionGroupName: 'nope' }, context), {
    name: 'OptionGroupNotFoundFault',
  })
})

test('a group in use and a default group cannot be deleted', async () => {
  const context = requestContext(testControl())
  const remove = (OptionGroupName: string) => async (): Promise<unknown> =>
    DeleteOptionGroup({ OptionGroupName }, context)
  await CreateOptionGroup(wanted, context)
  await putInstance(context.control, { settings: { ...instanceRecord().settings, OptionGroupName: 'mine' } })
  await assert.rejects(remove('mine'), { name: 'InvalidOptionGroupStateFault' })
  await removeInstance(context.control, 'orders')
  await remove('mine')()
  await assert.rejects(remove('mine'), { name: 'OptionGroupNotFoundFault' })
  await assert.rejects(remove('default:postgres-18'), { name: 'InvalidOptionGroupStateFault' })
})
