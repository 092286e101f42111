/** ModifyDBCluster on simulated engines: what holds at once, the password through a failover, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModifyDBClusterMessage } from '@aws-sdk/client-rds'
import { SCOPE } from '../../../tests/support/control.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { clusterOf, eventsOf, kept, newCluster, settled } from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { deleteDbCluster } from '../db-cluster/delete.ts'
import { describeCluster } from '../db-cluster/describe.ts'
import { listClusterEndpoints } from '../cluster/list.ts'
import { modifyDbCluster } from '../db-cluster/modify.ts'
import { clusterStatusOf } from '../db-cluster/sight.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'

const modify = (
  control: SimulatedControl,
  changes: Omit<ModifyDBClusterMessage, 'DBClusterIdentifier'>,
): Promise<unknown> => inTime(control, modifyDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', ...changes }))

const membersOf = async (control: SimulatedControl): Promise<DbInstanceRecord[]> =>
  (await dbInstances(control, SCOPE).list()).map(({ value }) => value)

/** Made of the password on another thread, which no simulated clock knows of. */
const pendingVerifier = (control: SimulatedControl): Promise<unknown> =>
  eventually('a password that waits to be set', async () => {
    await settled(control)
    return (await clusterOf(control)).pendingVerifier
  })

test('what is a setting holds at once, for the cluster and its members', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  await modify(control, { DeletionProtection: true, PreferredMaintenanceWindow: 'Sun:04:00-Sun:04:30' })
  const cluster = await clusterOf(control)
  assert.equal((await describeCluster(control, cluster)).PreferredMaintenanceWindow, 'sun:04:00-sun:04:30')
  for (const { settings } of [cluster, ...(await membersOf(control))]) assert.equal(settings.DeletionProtection, true)
  const gone = { DBClusterIdentifier: 'orders', SkipFinalSnapshot: true }
  await assert.rejects(deleteDbCluster(control, SCOPE, gone), { name: 'InvalidParameterCombination' })
  await modify(control, { DeletionProtection: false })
  await deleteDbCluster(control, SCOPE, gone)
})

test('the master user gets its new password from the writer, and every member knows it', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const before = (await clusterOf(control)).master.verifier
  const zones: string[] = []
  const { startJob } = control.hosts
  control.hosts.startJob = (zone, id, kind, input) => {
    if (kind === 'instance.set-password') zones.push(zone)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  await modify(control, { MasterUserPassword: 'another-horse-battery' })
  const cluster = await clusterOf(control)
  assert.notEqual(cluster.master.verifier, before)
  assert.equal(cluster.pendingVerifier, undefined)
  assert.deepEqual(zones, ['a'])
  for (const { master } of await membersOf(control)) assert.deepEqual(master, cluster.master)
  assert.ok((await eventsOf(control, 'db-instance')).includes('0016'))
})

test('a password that cannot be set yet is said to be on its way, and is tried until it is set', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.set-password'
  const asked = modify(control, { MasterUserPassword: 'another-horse-battery' })
  await pendingVerifier(control)
  const status = clusterStatusOf(control, await clusterOf(control))
  assert.equal(status, 'resetting-master-credentials')
  await assert.rejects(modifyDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', DeletionProtection: true }), {
    name: 'InvalidDBClusterStateFault',
    message: /resetting/,
  })
  control.failing = undefined
  await asked
  assert.equal(clusterStatusOf(control, await kept(control)), 'available')
})

test('a cluster that is deleted while its password is set leaves no flow', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.set-password'
  const asked = modify(control, { MasterUserPassword: 'another-horse-battery' }).catch(() => {})
  await pendingVerifier(control)
  await deleteDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders', SkipFinalSnapshot: true })
  await asked
  assert.deepEqual(await control.flows.list(), [])
})

test('security groups are enforced anew for every member', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const { VpcSecurityGroupIds } = (await clusterOf(control)).settings
  const reloads = new Set<string>()
  const { startJob } = control.hosts
  control.hosts.startJob = (zone, id, kind, input) => {
    if (kind === 'instance.reload') reloads.add(zone)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
  await modify(control, { VpcSecurityGroupIds: [...VpcSecurityGroupIds] })
  await kept(control)
  assert.deepEqual([...reloads].sort(), ['a', 'b', 'c'])
  for (const { enforcedSecurityGroups } of await membersOf(control)) assert.equal(enforcedSecurityGroups, undefined)
})

test('a cluster has an endpoint for the writer and one for readers', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const cluster = await describeCluster(control, await clusterOf(control))
  const endpoints = await listClusterEndpoints(control, SCOPE, { DBClusterIdentifier: 'orders' })
  assert.deepEqual(
    endpoints.map(({ Endpoint, EndpointType, Status }) => [Endpoint, EndpointType, Status]),
    [
      [cluster.Endpoint, 'WRITER', 'available'],
      [cluster.ReaderEndpoint, 'READER', 'available'],
    ],
  )
  const Filters = [{ Name: 'db-cluster-endpoint-type', Values: ['reader'] }]
  assert.equal((await listClusterEndpoints(control, SCOPE, { Filters })).length, 1)
  assert.deepEqual(await listClusterEndpoints(control, SCOPE, { DBClusterEndpointIdentifier: 'own' }), [])
})
