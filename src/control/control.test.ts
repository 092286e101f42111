import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testControl } from '../../tests/support/control.ts'
import { transact } from './control.ts'

test('a transaction outlasts a flow that takes a moment to end, and gives up when nothing ever moves', async () => {
  const control = testControl()
  await control.store.commit([], [{ op: 'put', key: 'flow-subject/x', value: 'ending' }])
  const claim = { compares: [{ key: 'flow-subject/x', modRevision: 0 }], ops: [] }
  let attempts = 0
  const run = (): Promise<string> =>
    transact(control, async () => {
      attempts++
      return { mutation: claim, result: 'claimed' }
    })
  const patient = run()
  await control.clock.advance(1_000)
  await control.store.commit([], [{ op: 'delete', key: 'flow-subject/x' }])
  await control.clock.advance(1_000)
  assert.equal(await patient, 'claimed')
  assert.ok(attempts > 2 && attempts < 20, `${attempts} attempts`)
  await control.store.commit([], [{ op: 'put', key: 'flow-subject/x', value: 'stuck' }])
  const hopeless = assert.rejects(run(), /20 conflicts in a row/)
  await control.clock.advance(10_000)
  await hopeless
})
