/** A DB cluster's parameter group and its members, on simulated engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, newCluster, settled } from '../../../tests/support/simulated-cluster.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { rebootDbCluster } from '../db-cluster/reboot.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { createParameterGroup, deleteParameterGroup } from '../parameter-group/parameter-groups.ts'
import { modifyParameters } from '../parameter-group/values.ts'

const membersOf = async (control: SimulatedControl): Promise<DbInstanceRecord[]> =>
  Promise.all(
    (await clusterOf(control)).members.map(async ({ id }) => (await dbInstances(control, SCOPE).get(id))!.value),
  )

const settingsOf = async (control: SimulatedControl, name: string): Promise<(string | undefined)[]> =>
  Promise.all((await membersOf(control)).map(async (member) => (await instanceSpec(control, member)).settings[name]))

const newGroup = (control: SimulatedControl, name: string): Promise<unknown> =>
  createParameterGroup(control, SCOPE, { kind: 'cluster', name, family: 'postgres18', description: 'tuned', tags: [] })

const set = (control: SimulatedControl, group: string, name: string, value: string): Promise<void> =>
  modifyParameters(control, SCOPE, {
    kind: 'cluster',
    name: group,
    parameters: [{ ParameterName: name, ParameterValue: value, ApplyMethod: 'immediate' }],
  })

const statusesOf = async (control: SimulatedControl): Promise<(string | undefined)[]> =>
  (await describeCluster(control, await clusterOf(control))).DBClusterMembers!.map(
    (member) => member.DBClusterParameterGroupStatus,
  )

test('values of the group of a cluster come to every member, and another group comes with the reboot', async () => {
  const control = await simulatedControl()
  for (const name of ['one', 'other']) await newGroup(control, name)
  // A group of DB instances may have the same name, and is another one.
  await createParameterGroup(control, SCOPE, { name: 'one', family: 'postgres18', description: 'x', tags: [] })
  await inTime(control, newCluster(control, 'orders', { DBClusterParameterGroupName: 'One', EngineVersion: '18.4' }))
  await set(control, 'one', 'work_mem', '7777')
  await set(control, 'other', 'work_mem', '9999')
  await settled(control)
  assert.deepEqual(await settingsOf(control, 'work_mem'), ['7777', '7777', '7777'])
  assert.deepEqual(await statusesOf(control), ['in-sync', 'in-sync', 'in-sync'])
  const [member] = await membersOf(control)
  const { DBParameterGroups } = await describeInstance(control, member!)
  assert.equal(DBParameterGroups![0]!.DBParameterGroupName, 'default.postgres18')

  const DBClusterIdentifier = 'orders'
  await modifyDbCluster(control, SCOPE, { DBClusterIdentifier, DBClusterParameterGroupName: 'other' })
  assert.deepEqual(await settingsOf(control, 'work_mem'), ['7777', '7777', '7777'])
  assert.deepEqual(await statusesOf(control), ['pending-reboot', 'pending-reboot', 'pending-reboot'])
  await inTime(control, rebootDbCluster(control, SCOPE, { DBClusterIdentifier }))
  assert.deepEqual(await settingsOf(control, 'work_mem'), ['9999', '9999', '9999'])
  assert.deepEqual(await statusesOf(control), ['in-sync', 'in-sync', 'in-sync'])
  assert.equal((await describeCluster(control, await clusterOf(control))).DBClusterParameterGroup, 'other')
  await assert.rejects(deleteParameterGroup(control, SCOPE, { kind: 'cluster', name: 'other' }), /still members/)
  await deleteParameterGroup(control, SCOPE, { kind: 'cluster', name: 'one' })
  await deleteParameterGroup(control, SCOPE, { name: 'one' })
})
