import assert from 'node:assert/strict'
import { test } from 'node:test'
import { implicitParameterGroup, valuesSince } from './record.ts'
import type { ParameterGroupRecord } from './record.ts'

const group: ParameterGroupRecord = {
  ...implicitParameterGroup('default.postgres18')!,
  values: {
    work_mem: { value: '3', applyMethod: 'pending-reboot' },
    jit: { value: '0', applyMethod: 'immediate' },
  },
  deferred: [
    { parameter: 'work_mem', at: 100, before: undefined },
    { parameter: 'deadlock_timeout', at: 150, before: '900' },
    { parameter: 'work_mem', at: 200, before: '1' },
    { parameter: 'work_mem', at: 300, before: '2' },
  ],
}

test('an engine keeps the values from its start until the next, where a change was to wait', () => {
  assert.deepEqual(valuesSince(group, 50), { jit: '0', deadlock_timeout: '900' })
  assert.deepEqual(valuesSince(group, 120), { jit: '0', deadlock_timeout: '900', work_mem: '1' })
  assert.deepEqual(valuesSince(group, 250), { jit: '0', work_mem: '2' })
  assert.deepEqual(valuesSince(group, 300), { jit: '0', work_mem: '3' })
})

test('default groups exist for each family and for no other name', () => {
  assert.equal(implicitParameterGroup('default.postgres12')?.family, 'postgres12')
  for (const name of ['default.postgres11', 'default', 'postgres17', 'default.mysql8.0'])
    assert.equal(implicitParameterGroup(name), undefined)
})
