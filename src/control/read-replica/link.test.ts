import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE, testControl, type TestControl } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl } from '../../../tests/support/simulated-control.ts'
import { commit, type Scope } from '../control.ts'
import { describeInstance } from '../db-instance/describe.ts'
import { dbInstances, type DbInstanceRecord, type ReplicaOf } from '../db-instance/record.ts'
import { replicationOf } from '../db-instance/topology.ts'
import { createReadReplica } from './create.ts'
import { linked, releaseLink } from './link.ts'
import { promoteReadReplica } from './promote.ts'

const WEST: Scope = { ...SCOPE, region: 'us-west-2' }

function recordWith(replica: Partial<ReplicaOf>, region = WEST.region): DbInstanceRecord {
  const source = { ...SCOPE, resourceId: 'db-S' }
  const record = { ...SCOPE, region, resourceId: 'db-R', port: 4999, replica: { source, state: 'joining', ...replica } }
  return record as unknown as DbInstanceRecord
}

const portsOf = async (control: TestControl): Promise<string[]> =>
  (await control.store.range('port/')).entries.map(({ key, value }) => `${key} ${value}`)

test('a replica in another region has a way with a port of its own; one in the same region, or without latency, has none', async () => {
  const control = testControl({ regionLatencyMs: 80 })
  assert.equal(await linked(control, recordWith({}, SCOPE.region)), undefined)
  assert.equal(await linked(testControl(), recordWith({})), undefined)
  const { replica, writes } = (await linked(control, recordWith({})))!
  // The last port of the pool is the replica's own.
  assert.deepEqual(replica.link, { port: 4998, delayMs: 80 })
  await commit(control, writes)
  assert.deepEqual(await portsOf(control), ['port/04998 db-R'])
  assert.equal(await linked(control, recordWith(replica)), undefined)
})

test('another latency leaves the port as it is, and none gives it back', async () => {
  const control = testControl({ regionLatencyMs: 80 })
  const { replica, writes } = (await linked(control, recordWith({})))!
  await commit(control, writes)
  const longer = (await linked({ ...control, regionLatencyMs: 120 }, recordWith(replica)))!
  assert.deepEqual(longer.replica.link, { port: 4998, delayMs: 120 })
  const without = (await linked({ ...control, regionLatencyMs: 0 }, recordWith(replica)))!
  assert.equal(without.replica.link, undefined)
  await commit(control, without.writes)
  assert.deepEqual(await portsOf(control), [])
})

test('one that is promoted gives its port back', async () => {
  const control = testControl({ regionLatencyMs: 80 })
  const { replica, writes } = (await linked(control, recordWith({})))!
  await commit(control, writes)
  await commit(control, releaseLink(recordWith(replica)))
  assert.deepEqual(await portsOf(control), [])
  assert.deepEqual(releaseLink(recordWith({})), { compares: [], ops: [] })
})

test('the engine is told of the way, until its instance is a replica no more', async () => {
  const control = await simulatedControl({ regionLatencyMs: 80 })
  const orders = await newInstance(control, 'orders', { BackupRetentionPeriod: 1 })
  const source = describeInstance(control, orders)
  await createReadReplica(control, WEST, {
    DBInstanceIdentifier: 'far',
    SourceDBInstanceIdentifier: (await source).DBInstanceArn!,
  })
  const far = async (): Promise<DbInstanceRecord> => (await dbInstances(control, WEST).get('far'))!.value
  const replication = await replicationOf(control, await far())
  assert.ok(replication?.role === 'standby')
  assert.equal(replication.source.link?.delayMs, 80)
  await promoteReadReplica(control, WEST, { DBInstanceIdentifier: 'far' })
  assert.equal((await far()).replica, undefined)
})
