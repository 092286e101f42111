/** RebootDBCluster on simulated engines: who is restarted in which order, and what becomes of those who do not come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {
  clusterOf,
  eventsOf,
  isWholeAgain,
  kept,
  newCluster,
  rolesOf,
} from '../../../tests/support/simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { refusePower } from '../db-cluster/power.ts'
import { rebootDbCluster } from '../db-cluster/reboot.ts'
import { clusterStatusOf } from '../db-cluster/sight.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { rebootDbInstance } from '../db-instance/power.ts'
import { dbInstances } from '../db-instance/record.ts'

const reboot = (control: SimulatedControl): Promise<unknown> =>
  rebootDbCluster(control, SCOPE, { DBClusterIdentifier: 'orders' })

/** Runs before each restart of an engine begins. */
function beforeRestarts(control: SimulatedControl, look: (zone: string) => unknown): void {
  const { startJob } = control.hosts
  control.hosts.startJob = async (zone, id, kind, input) => {
    if (kind === 'instance.restart') await look(zone)
    return startJob.call(control.hosts, zone, id, kind, input)
  }
}

async function statusOfMember(control: SimulatedControl): Promise<string> {
  const member = (await dbInstances(control, SCOPE).get('orders-instance-2'))!.value
  return (await describeInstance(control, member)).DBInstanceStatus!
}

test('both readers are restarted one after the other, then the writer, and the cluster is as it was', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const restarts: string[] = []
  beforeRestarts(control, (zone) => restarts.push(zone))
  await inTime(control, reboot(control))
  assert.deepEqual(restarts, ['b', 'c', 'a'])
  const cluster = await kept(control)
  assert.equal(clusterStatusOf(control, cluster), 'available')
  assert.equal(cluster.writer, 'a')
  isWholeAgain(cluster)
  assert.deepEqual(rolesOf(control, cluster), ['primary', 'standby', 'standby'])
  const instances = await eventsOf(control, 'db-instance')
  for (const id of ['0004', '0006']) assert.equal(instances.filter((one) => one === id).length, 3, id)
})

test('a member alone is restarted where it is, a reader and then the writer', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const restarts: string[] = []
  beforeRestarts(control, (zone) => restarts.push(zone))
  for (const id of ['orders-instance-3', 'orders-instance-1']) {
    const rebooted = await inTime(control, rebootDbInstance(control, SCOPE, { DBInstanceIdentifier: id }))
    assert.equal(rebooted.id, id)
  }
  assert.deepEqual(restarts, ['c', 'a'])
  const cluster = await kept(control)
  assert.deepEqual([clusterStatusOf(control, cluster), cluster.writer], ['available', 'a'])
  isWholeAgain(cluster)
  const instances = await eventsOf(control, 'db-instance')
  for (const id of ['0004', '0006']) assert.equal(instances.filter((one) => one === id).length, 2, id)
  const forced = { DBInstanceIdentifier: 'orders-instance-1', ForceFailover: true }
  await assert.rejects(rebootDbInstance(control, SCOPE, forced), /FailoverDBCluster/)
})

test('while it is rebooted, the cluster and its members say so, and nothing else can be asked of it', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  const seen: string[][] = []
  beforeRestarts(control, async () => {
    await assert.rejects(reboot(control), { name: 'InvalidDBClusterStateFault', message: /rebooting/ })
    seen.push([clusterStatusOf(control, await clusterOf(control)), await statusOfMember(control)])
  })
  await inTime(control, reboot(control))
  assert.deepEqual(seen, Array(3).fill(['rebooting', 'rebooting']))
  assert.equal(await statusOfMember(control), 'available')
})

test('engines that do not come back are left to what keeps and recovers the cluster', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  control.failing = 'instance.restart'
  await inTime(control, reboot(control))
  control.failing = undefined
  const cluster = await kept(control)
  assert.equal(clusterStatusOf(control, cluster), 'available')
  isWholeAgain(cluster)
})

test('a DB cluster of three instances is neither stopped nor started, as on RDS', async () => {
  const control = await simulatedControl()
  await newCluster(control, 'orders')
  for (const operation of ['StopDBCluster', 'StartDBCluster'] as const) {
    await assert.rejects(refusePower(control, SCOPE, { operation, idOrArn: 'orders' }), {
      name: 'InvalidDBClusterStateFault',
    })
    await assert.rejects(refusePower(control, SCOPE, { operation, idOrArn: 'nobody' }), {
      name: 'DBClusterNotFoundFault',
    })
  }
})
