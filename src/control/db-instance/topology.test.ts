import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newInstance, simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { SCOPE } from '../../../tests/support/control.ts'
import { commit } from '../control.ts'
import { addReplica } from '../read-replica/replicas.ts'
import { dbInstances, keyOf, type DbInstanceRecord } from './record.ts'
import { replicationOf } from './topology.ts'

const read = async (control: SimulatedControl, id: string): Promise<DbInstanceRecord> =>
  (await dbInstances(control, SCOPE).get(id))!.value

test('an instance that is alone has no part in replication', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  assert.equal(await replicationOf(control, await read(control, 'orders')), undefined)
})

test('a replica follows its source, which lets it in; both stand by what they were when the source is gone', async () => {
  const control = await simulatedControl()
  await newInstance(control, 'orders')
  await newInstance(control, 'copy')
  const [source, copy] = [await read(control, 'orders'), await read(control, 'copy')]
  await commit(control, addReplica(control, keyOf(source), keyOf(copy)))
  const name = `r_${copy.resourceId.slice('db-'.length).toLowerCase()}`
  assert.deepEqual(await replicationOf(control, { ...source, generation: 1 }), {
    role: 'primary',
    followers: [name],
    synchronous: [],
  })
  const replica: DbInstanceRecord = { ...copy, replica: { source: keyOf(source), state: 'joining' } }
  assert.deepEqual(await replicationOf(control, replica), {
    role: 'standby',
    name,
    followers: [],
    source: { host: '127.0.0.1', port: source.port, caPem: source.certificate!.caPem },
    readable: true,
  })
  const held = await dbInstances(control, SCOPE).get('orders')
  await commit(control, dbInstances(control, SCOPE).remove(held!))
  const orphan = await replicationOf(control, replica)
  assert.equal(orphan?.role === 'standby' && orphan.source.caPem, '')
})
