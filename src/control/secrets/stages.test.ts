import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addVersion, CURRENT, moveStage, PREVIOUS, surplus, versionWith, type Versions } from './stages.ts'

const add = (versions: Versions, id: string, ...stages: string[]): Versions =>
  addVersion(versions, { id, createdAt: Object.keys(versions).length, stages: stages.length > 0 ? stages : [CURRENT] })

const stagesOf = (versions: Versions) =>
  Object.fromEntries(Object.entries(versions).map(([id, v]) => [id, [...v.stages].sort()]))

test('the version that stops being current becomes the previous one, and the one before has no stage', () => {
  const three = add(add(add({}, 'a'), 'b'), 'c')
  assert.deepEqual(stagesOf(three), { a: [], b: [PREVIOUS], c: [CURRENT] })
})

test('a pending version leaves the others alone until it becomes current', () => {
  const pending = add(add({}, 'a'), 'b', 'AWSPENDING')
  assert.deepEqual(stagesOf(pending), { a: [CURRENT], b: ['AWSPENDING'] })
  assert.deepEqual(stagesOf(moveStage(pending, CURRENT, 'b')), { a: [PREVIOUS], b: [CURRENT, 'AWSPENDING'].sort() })
})

test('going back to the previous version makes the two change places', () => {
  const back = moveStage(add(add({}, 'a'), 'b'), CURRENT, 'a')
  assert.deepEqual(stagesOf(back), { a: [CURRENT], b: [PREVIOUS] })
})

test('the first version is current, whatever it is asked to be', () => {
  assert.deepEqual(stagesOf(add({}, 'a', 'mine')), { a: [CURRENT, 'mine'] })
})

test('the oldest versions without a stage make room', () => {
  const four = add(add(add(add({}, 'a'), 'b'), 'c'), 'd')
  assert.deepEqual(surplus(four, 4), [])
  assert.deepEqual(surplus(four, 3), ['a'])
  assert.deepEqual(surplus(four, 1), ['a', 'b'])
})

test('after any history one version is current, and no stage is on two', () => {
  const anyStep = fc.record({
    stage: fc.constantFrom(CURRENT, PREVIOUS, 'AWSPENDING'),
    to: fc.nat(5),
    isNew: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(anyStep), (steps) => {
      let versions = add({}, '0')
      for (const { stage, to, isNew } of steps) {
        const ids = Object.keys(versions)
        versions = isNew ? add(versions, String(ids.length), stage) : moveStage(versions, stage, ids[to % ids.length])
        const all = Object.values(versions).flatMap((version) => version.stages)
        assert.equal(new Set(all).size, all.length)
        assert.ok(versionWith(versions, CURRENT))
      }
    }),
  )
})
