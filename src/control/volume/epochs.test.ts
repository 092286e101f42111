import assert from 'node:assert/strict'
import { test } from 'node:test'
import { together } from '#store/collection.ts'
import { memoryStore } from '#store/memory-store.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { commit } from '../control.ts'
import { newVolume } from './configuration.ts'
import { restVolume, seeded, takeEpoch } from './epochs.ts'
import { volumes } from './record.ts'

const SCOPE = { account: '000000000000', region: 'us-east-1' }

test('every start of a writer, and every rest, is an epoch of its own', () => {
  const first = takeEpoch(newVolume('cluster-1', ['a', 'b', 'c']), 'db-1')
  assert.deepEqual([first.epoch, first.writer], [2, 'db-1'])
  const again = takeEpoch(first, 'db-1')
  assert.deepEqual([again.epoch, again.writer], [3, 'db-1'])
  const rest = restVolume(again)
  assert.deepEqual([rest.epoch, rest.writer], [4, undefined])
})

test('of two who take an epoch at the same time one gets it', async () => {
  const control = { store: memoryStore(new SimulatedClock()) }
  const rows = volumes(control, SCOPE)
  await commit(control, rows.create('cluster-1', newVolume('cluster-1', ['a', 'b', 'c'])))
  const held = (await rows.get('cluster-1'))!
  const takers = ['db-1', 'db-2'].map((writer) =>
    commit(control, together(rows.update(held, takeEpoch(held.value, writer)))),
  )
  const results = await Promise.all(takers)
  assert.deepEqual(results.map(({ committed }) => committed).sort(), [false, true])
  const { epoch, writer } = (await rows.get('cluster-1'))!.value
  assert.equal(epoch, 2)
  assert.equal(writer, results[0]!.committed ? 'db-1' : 'db-2')
})

test('a volume is made from one seed image, whose epoch comes before those of its writers', () => {
  const seed = { imageId: 'seed-1', systemId: '7300000000000000001', epoch: 1, start: 0, end: 100 }
  const made = seeded(newVolume('cluster-1', ['a', 'b', 'c']), seed)
  assert.equal(seeded(made, seed).seed, seed, 'the step may run twice')
  assert.throws(() => seeded(made, { ...seed, systemId: '7300000000000000002' }), /one seed image/)
  const restored = seeded(newVolume('cluster-2', ['a', 'b', 'c']), { ...seed, epoch: 7 })
  assert.deepEqual([restored.epoch, takeEpoch(restored, 'db-1').epoch], [7, 8])
  const late = takeEpoch(takeEpoch(newVolume('cluster-3', ['a', 'b', 'c']), 'db-1'), 'db-1')
  assert.equal(seeded(late, seed).epoch, 3, 'an epoch that was taken stays taken')
})
