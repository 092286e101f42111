import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { DescribeDBEngineVersions } from './describe-db-engine-versions.ts'
import { DescribeDBMajorEngineVersions } from './describe-db-major-engine-versions.ts'

const context = requestContext(testControl())

async function versions(input: object): Promise<(string | undefined)[]> {
  return (await DescribeDBEngineVersions(input, context)).DBEngineVersions!.map((version) => version.EngineVersion)
}

test('versions are listed in the order of their numbers', async () => {
  assert.deepEqual(await versions({}), ['15.18', '17.9', '17.10', '18.3', '18.4'])
})

test('versions are found by engine, version, major, family and filters', async () => {
  assert.deepEqual(await versions({ Engine: 'postgres', EngineVersion: '17' }), ['17.9', '17.10'])
  assert.deepEqual(await versions({ EngineVersion: '17.9' }), ['17.9'])
  assert.deepEqual(await versions({ DBParameterGroupFamily: 'postgres15' }), ['15.18'])
  assert.deepEqual(await versions({ Engine: 'mysql' }), [])
  assert.deepEqual(await versions({ Filters: [{ Name: 'engine-version', Values: ['18.3', '15.18'] }] }), [
    '15.18',
    '18.3',
  ])
  assert.deepEqual(await versions({ Filters: [{ Name: 'status', Values: ['deprecated'] }] }), [])
  await assert.rejects(versions({ Filters: [{ Name: 'colour', Values: ['red'] }] }), { name: 'InvalidParameterValue' })
})

test('the default is the newest of the asked major, or of the default major', async () => {
  assert.deepEqual(await versions({ Engine: 'postgres', DefaultOnly: true }), ['18.4'])
  assert.deepEqual(await versions({ Engine: 'postgres', EngineVersion: '17', DefaultOnly: true }), ['17.10'])
  assert.deepEqual(await versions({ DBParameterGroupFamily: 'postgres15', DefaultOnly: true }), ['15.18'])
  assert.deepEqual(await versions({ Engine: 'postgres', EngineVersion: '9.6', DefaultOnly: true }), [])
})

test('a version names its family and the later minors of its major', async () => {
  const { DBEngineVersions } = await DescribeDBEngineVersions({ EngineVersion: '17.9' }, context)
  const [version] = DBEngineVersions!
  assert.equal(version!.DBParameterGroupFamily, 'postgres17')
  assert.equal(version!.MajorEngineVersion, '17')
  assert.equal(version!.Status, 'available')
  assert.deepEqual(
    version!.ValidUpgradeTarget!.map((target) => [target.EngineVersion, target.IsMajorVersionUpgrade]),
    [['17.10', false]],
  )
})

test('majors are listed once', async () => {
  const { DBMajorEngineVersions } = await DescribeDBMajorEngineVersions({ Engine: 'postgres' }, context)
  assert.deepEqual(
    DBMajorEngineVersions!.map((one) => one.MajorEngineVersion),
    ['15', '17', '18'],
  )
})
