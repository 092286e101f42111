import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import { newInstance, simulatedControl } from '../../../tests/support/simulated-control.ts'
import { dbInstances, subjectOf } from '../db-instance/record.ts'

test('a new instance whose port a stranger took meanwhile gets another, and gives the first back', async () => {
  const control = await simulatedControl({ simulated: false })
  control.failOnce = 'port-busy'
  const record = await newInstance(control, 'orders')
  const flow = await control.flows.of(subjectOf(record))
  if (flow) await control.flows.ended(flow.id)
  const after = (await dbInstances(control, SCOPE).get('orders'))!.value
  assert.equal(after.phase, 'available')
  assert.equal(record.port, 5432)
  assert.equal(after.port, 4510)
  const { entries } = await control.store.range('port/')
  assert.deepEqual(
    entries.map(({ key, value }) => [key, value]),
    [['port/04510', record.resourceId]],
  )
})
