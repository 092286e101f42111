/** The flows of DB clusters on simulated engines: who is what at each step, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CreateDBClusterMessage } from '@aws-sdk/client-rds'
import { together } from '#store/collection.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  clusterOf,
  eventsOf,
  isWholeAgain,
  kept,
  newCluster,
  rolesOf,
  settled,
} from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { failoverDbCluster } from '../db-cluster/failover.ts'
import { clusterKeyOf, clusterSubjectOf, dbClusters, type DbClusterRecord } from '../db-cluster/record.ts'
import { deleteDbInstance } from '../db-instance/delete.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { modifyDbInstance } from '../db-instance/modify.ts'

import { dbInstances } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { commit } from '../control.ts'
import { createDbSnapshot } from '../db-snapshot/create.ts'

test('a new cluster is available once both readers follow and commits wait for one of them', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const cluster = await clusterOf(control)
  assert.equal(cluster.phase, 'available')
  assert.deepEqual(rolesOf(control, cluster), ['primary', 'standby', 'standby'])
  assert.deepEqual([cluster.writer, cluster.awaited, cluster.electorate], ['a', ['b', 'c'], ['b', 'c']])
  await settled(control)
  const shown = await describeCluster(control, await clusterOf(control))
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

/** As when the writer is gone; `changes` are how the cluster was then. */
async function recover(control: SimulatedControl, changes: Partial<DbClusterRecord> = {}): Promise<void> {
  const held = (await dbClusters(control, SCOPE).get('orders'))!
  const key = clusterKeyOf(held.value)
  const input = { key, isForced: false, because: 'The test says so.' }
  const flow = control.flows.start('recover-db-cluster', clusterSubjectOf(key), input)
  const record: DbClusterRecord = { ...held.value, ...changes, phase: 'failing-over' }
  await commit(control, together(dbClusters(control, SCOPE).update(held, record), flow.writes))
  await inTime(control, started(control, flow.id))
}

test('a reader takes over from a writer that is gone, commits wait for the other at once, and the old writer is made anew', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  await recover(control)
  const cluster = await clusterOf(control)
  assert.equal(cluster.phase, 'available')
  assert.equal(cluster.writer, 'b')
  assert.ok(cluster.awaited.includes('c'))
  const now = await kept(control)
  isWholeAgain(now)
  assert.deepEqual(rolesOf(control, now), ['standby', 'primary', 'standby'])
  assert.deepEqual([...now.readers].sort(), ['a', 'c'])
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0073', '0071'])
})

test('a failover that is asked for goes to the reader that is asked for', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const failover = (TargetDBInstanceIdentifier: string): Promise<unknown> =>
    inTime(control, failoverDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', TargetDBInstanceIdentifier }))
  await assert.rejects(failover('orders-instance-1'), { name: 'InvalidParameterCombination' })
  await assert.rejects(failover('elsewhere'), { name: 'InvalidParameterCombination' })
  await failover('orders-instance-3')
  const cluster = await kept(control)
  assert.equal(cluster.writer, 'c')
  isWholeAgain(cluster)
})

test('where not everybody can be asked who may have a commit, the writer is started where it is', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  await recover(control, { electorate: [] })
  const cluster = await clusterOf(control)
  assert.equal(cluster.writer, 'a')
  assert.equal(cluster.phase, 'available')
  assert.deepEqual([...cluster.electorate].sort(), ['b', 'c'], 'it was opened once one had everything')
})

test('a writer that is started alone says so, and waits for readers again once they have everything', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.synchronize'
  await recover(control, { electorate: [] })
  assert.deepEqual((await clusterOf(control)).electorate, [])
  assert.ok((await eventsOf(control, 'db-instance')).includes('0044'))
  control.failing = undefined
  isWholeAgain(await kept(control))
})

test('a reader that cannot be promoted is ended for good, and the old writer serves again', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.promote'
  await recover(control)
  control.failing = undefined
  const cluster = await kept(control)
  assert.equal(cluster.writer, 'a')
  assert.equal(cluster.phase, 'available')
  isWholeAgain(cluster)
  assert.deepEqual(await eventsOf(control, 'db-cluster'), ['0170', '0073', '0069', '0070'])
})

test('nobody is promoted while a reader that may have a commit cannot be sealed', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.seal'
  const held = (await dbClusters(control, SCOPE).get('orders'))!
  const key = clusterKeyOf(held.value)
  const input = { key, isForced: false, because: 'The test says so.' }
  const flow = control.flows.start('recover-db-cluster', clusterSubjectOf(key), input)
  await commit(
    control,
    together(dbClusters(control, SCOPE).update(held, { ...held.value, phase: 'failing-over' }), flow.writes),
  )
  const over = started(control, flow.id)
  for (let round = 0; round < 20; round++) await control.clock.advance(10_000)
  assert.equal((await clusterOf(control)).writer, 'a')
  assert.equal((await clusterOf(control)).candidate, undefined)
  control.failing = undefined
  await inTime(control, over)
  assert.equal((await clusterOf(control)).writer, 'b')
  isWholeAgain(await kept(control))
})

test('what a cluster cannot have is refused, and nothing is made', async () => {
  const control = await simulatedControl()
  const refusals: readonly (readonly [Partial<CreateDBClusterMessage>, string])[] = [
    [{ Engine: 'aurora-postgresql' }, 'InvalidParameterValue'],
    [{ Engine: 'mysql' }, 'InvalidParameterValue'],
    [{ DBClusterInstanceClass: undefined }, 'InvalidParameterValue'],
    [{ StorageType: 'gp2' }, 'InvalidParameterCombination'],
    [{ Iops: undefined }, 'InvalidParameterCombination'],
    [{ GlobalClusterIdentifier: 'g' }, 'InvalidParameterCombination'],
    [{ EngineMode: 'serverless' }, 'InvalidParameterCombination'],
    [{ DBClusterParameterGroupName: 'own' }, 'DBClusterParameterGroupNotFoundFault'],
    [{ MasterUsername: undefined }, 'InvalidParameterValue'],
    [{ DBClusterIdentifier: '1st' }, 'InvalidParameterValue'],
  ]
  for (const [changes, name] of refusals)
    await assert.rejects(newCluster(control, 'orders', changes), { name }, JSON.stringify(changes))
  assert.deepEqual(await dbInstances(control, SCOPE).list(), [])
})
