/** The flows of DB clusters on simulated engines: who is what at each step, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { SCOPE } from '../../../tests/support/control.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { createDbCluster } from '../db-cluster/create.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { dbClusters, type DbClusterRecord } from '../db-cluster/record.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'
import { rebootDbInstance } from '../db-instance/power.ts'
import { dbInstances } from '../db-instance/record.ts'
import { createDbSnapshot } from '../db-snapshot/create.ts'
import { findEvents } from '../event/event.ts'

export const newCluster = (
  control: SimulatedControl,
  id: string,
  more: Partial<CreateDBClusterMessage> = {},
): Promise<DbClusterRecord> =>
  createDbCluster(control, SCOPE, {
    ...more,
    DBClusterIdentifier: id,
    Engine: 'postgres',
    DBClusterInstanceClass: 'db.m6gd.large',
    AllocatedStorage: 100,
    Iops: 1000,
    MasterUsername: 'app',
    MasterUserPassword: 'correct-horse-battery',
  })

const clusterOf = async (control: SimulatedControl, id = 'orders'): Promise<DbClusterRecord> =>
  (await dbClusters(control, SCOPE).get(id))!.value

const rolesOf = (control: SimulatedControl, { members }: DbClusterRecord): (string | undefined)[] =>
  members.map(({ zone, resourceId }) => control.hosts.observed(zone, resourceId)?.replication?.role)

async function eventsOf(control: SimulatedControl, sourceType: string): Promise<string[]> {
  const found = await findEvents(control, SCOPE, { from: 0, to: Number.MAX_SAFE_INTEGER })
  return found.filter((event) => event.sourceType === sourceType).map(({ id }) => id.slice(-4))
}

/** Lets flows that nobody waits for come to rest. */
async function settled(control: SimulatedControl): Promise<void> {
  for (let round = 0; round < 30; round++) await control.clock.advance(0)
}

test('a new cluster is available once both readers follow and commits wait for one of them', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const cluster = await clusterOf(control)
  assert.equal(cluster.phase, 'available')
  assert.deepEqual(rolesOf(control, cluster), ['primary', 'standby', 'standby'])
  assert.deepEqual([cluster.writer, cluster.awaited, cluster.electorate], ['a', ['b', 'c'], ['b', 'c']])
  await settled(control)
  const shown = describeCluster(control, await clusterOf(control))
  assert.equal(shown.Status, 'available')
  assert.equal(shown.MultiAZ, true)
  assert.deepEqual(
    shown.DBClusterMembers!.map((member) => [member.DBInstanceIdentifier, member.IsClusterWriter]),
    [
      ['orders-instance-1', true],
      ['orders-instance-2', false],
      ['orders-instance-3', false],
    ],
  )
  assert.deepEqual((await clusterOf(control)).readers, ['b', 'c'])
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170'])
})

test('members are instances that know their cluster, and are changed through it alone', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const member = (await dbInstances(control, SCOPE).get('orders-instance-2'))!.value
  const shown = await describeInstance(control, member)
  assert.equal(shown.DBClusterIdentifier, 'orders')
  assert.equal(shown.DBInstanceStatus, 'available')
  assert.equal(shown.AvailabilityZone, 'us-east-1b')
  const DBInstanceIdentifier = 'orders-instance-2'
  const refused = { name: 'InvalidParameterCombination' }
  await assert.rejects(
    modifyDbInstance(control, SCOPE, { DBInstanceIdentifier, DBInstanceClass: 'db.m6gd.xlarge' }),
    refused,
  )
  await assert.rejects(deleteDbInstance(control, SCOPE, { DBInstanceIdentifier, SkipFinalSnapshot: true }), refused)
  await assert.rejects(rebootDbInstance(control, SCOPE, { DBInstanceIdentifier }), refused)
  await assert.rejects(
    createDbSnapshot(control, SCOPE, { DBInstanceIdentifier, DBSnapshotIdentifier: 'snap' }),
    refused,
  )
})

test('a deleted cluster leaves no member, no flow and no port', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const cluster = await clusterOf(control)
  await deleteDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', SkipFinalSnapshot: true })
  await settled(control)
  assert.deepEqual(await dbClusters(control, SCOPE).list(), [])
  assert.deepEqual(await dbInstances(control, SCOPE).list(), [])
  assert.deepEqual(rolesOf(control, cluster), [undefined, undefined, undefined])
  assert.deepEqual(await control.flows.list(), [])
  assert.equal(control.endpoints.observed(cluster.resourceId), undefined)
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0171'])
})
