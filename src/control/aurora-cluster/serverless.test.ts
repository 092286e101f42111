/** Serverless instances of Aurora clusters on simulated engines: what they are given, and what is shown of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GIB } from '#base/bytes.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import {
  addInstance,
  auroraOf,
  clusterShown,
  instanceShown,
  newAurora,
} from '../../../tests/support/simulated-aurora.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { dbInstances } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { memberRecords } from './find.ts'
import { floorsOf } from './scale-together.ts'

const RANGE = { MinCapacity: 0.5, MaxCapacity: 16 }
const SERVERLESS = { DBInstanceClass: 'db.serverless' }

async function shop(range = RANGE): Promise<SimulatedControl> {
  const control = await simulatedControl({ hostMemoryBytes: 512 * GIB, hostVcpus: 128 })
  await newAurora(control, 'shop', { ServerlessV2ScalingConfiguration: range })
  return control
}

const specOf = async (control: SimulatedControl, id: string): ReturnType<typeof instanceSpec> =>
  instanceSpec(control, (await dbInstances(control, SCOPE).get(id))!.value)

test('a serverless instance is as large as its cluster lets it grow, and shows what it is', async () => {
  const control = await shop()
  await addInstance(control, 'one', SERVERLESS)
  const { capacity, serverless, settings } = await specOf(control, 'one')
  assert.deepEqual([capacity.memoryBytes, capacity.vcpus], [32 * GIB, 4])
  assert.deepEqual([serverless!.minAcu, serverless!.maxAcu], [0.5, 16])
  // The formula gives 3,604 connections for so much memory; a range that begins with half an ACU has a limit.
  assert.equal(settings['max_connections'], '2000')
  assert.equal((await instanceShown(control, 'one')).DBInstanceClass, 'db.serverless')
  assert.deepEqual((await clusterShown(control)).ServerlessV2ScalingConfiguration, RANGE)
})

test('another range reaches the instances, and leaves out what it is not told of', async () => {
  const control = await shop()
  await addInstance(control, 'one', SERVERLESS)
  await addInstance(control, 'two')
  const ServerlessV2ScalingConfiguration = { MinCapacity: 1, MaxCapacity: 8 }
  await inTime(
    control,
    changeCluster(control, SCOPE, 'modify', { DBClusterIdentifier: 'shop', ServerlessV2ScalingConfiguration }),
  )
  const { serverless, settings } = await specOf(control, 'one')
  assert.deepEqual([serverless!.minAcu, serverless!.maxAcu], [1, 8])
  assert.equal(settings['max_connections'], '1802')
  assert.equal((await specOf(control, 'two')).serverless, undefined)
  const seen = control.hosts.observed('a', (await auroraOf(control)).members[0]!.resourceId)
  assert.equal(seen?.acu, 1)
  await inTime(
    control,
    changeCluster(control, SCOPE, 'modify', { DBClusterIdentifier: 'shop', BackupRetentionPeriod: 3 }),
  )
  assert.deepEqual((await clusterShown(control)).ServerlessV2ScalingConfiguration, ServerlessV2ScalingConfiguration)
})

test('an instance becomes serverless, and provisioned again', async () => {
  const control = await shop()
  await addInstance(control, 'one')
  const become = (DBInstanceClass: string): Promise<unknown> =>
    inTime(
      control,
      changeInstance(control, SCOPE, 'modify', {
        DBInstanceIdentifier: 'one',
        DBInstanceClass,
        ApplyImmediately: true,
      }),
    )
  await become('db.serverless')
  assert.equal((await specOf(control, 'one')).serverless?.maxAcu, 16)
  await become('db.r6g.large')
  assert.equal((await specOf(control, 'one')).serverless, undefined)
})

test('readers of the first two tiers are as large as the writer, and others go by themselves', async () => {
  const control = await shop()
  await addInstance(control, 'one', SERVERLESS)
  await addInstance(control, 'two', { ...SERVERLESS, PromotionTier: 1 })
  await addInstance(control, 'three', { ...SERVERLESS, PromotionTier: 2 })
  await addInstance(control, 'four', { PromotionTier: 0 })
  const cluster = await auroraOf(control)
  const records = await memberRecords(control, cluster)
  const told = (acu: number | undefined): unknown[] =>
    floorsOf(
      { observed: (zone, id) => ({ ...control.hosts.observed(zone, id)!, ...(acu !== undefined && { acu }) }) },
      cluster,
      records,
    ).map((floor) => [floor.record.id, floor.acu])
  assert.deepEqual(told(7.5), [['two', 7.5]])
  const provisioned = { ...cluster, writer: cluster.members[3]!.resourceId }
  assert.deepEqual(
    floorsOf(control.hosts, provisioned, records).map(({ record, acu }) => [record.id, acu]),
    [
      ['one', 8],
      ['two', 8],
    ],
  )
})
