import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeEpoch } from './epochs.ts'
import { membersOf, newVolume, replaceMember, settle, withdraw } from './configuration.ts'
import type { PlacedMember, VolumeRecord } from './record.ts'

const fresh = (): VolumeRecord => newVolume('cluster-1', ['a', 'b', 'c'])
const names = (members: readonly PlacedMember[] | undefined): string => (members ?? []).map(({ id }) => id).join(' ')

test('a new volume has two copies in each of three zones', () => {
  const { members } = fresh().configuration
  assert.equal(names(members), 'a1 a2 b1 b2 c1 c2')
  for (const zone of ['a', 'b', 'c']) assert.equal(members.filter((member) => member.zone === zone).length, 2)
})

test('a volume is not made where there are fewer than three zones', () => {
  assert.throws(() => newVolume('cluster-1', ['a', 'b']), /three zones/)
})

test('any four copies are in two zones at least, before, during and after a replacement', () => {
  const during = replaceMember(fresh(), 'b1')
  const after = settle(during, { epoch: during.epoch, generation: during.configuration.generation })!
  for (const { members, joint } of [fresh().configuration, during.configuration, after.configuration])
    for (const six of [members, joint ?? members]) {
      assert.equal(six.length, 6)
      for (const zone of ['a', 'b', 'c']) assert.equal(six.filter((member) => member.zone === zone).length, 2)
    }
})

test('a lost copy gives way to one with a new name in its zone, in two steps', () => {
  const during = replaceMember(fresh(), 'b1')
  assert.equal(names(during.configuration.members), 'a1 a2 b1 b2 c1 c2')
  assert.equal(names(during.configuration.joint), 'a1 a2 b3 b2 c1 c2')
  assert.equal(names(membersOf(during.configuration)), 'a1 a2 b1 b2 c1 c2 b3')
  const after = settle(during, { epoch: 1, generation: 2 })!
  assert.equal(names(after.configuration.members), 'a1 a2 b3 b2 c1 c2')
  assert.equal(after.configuration.joint, undefined)
  assert.deepEqual(
    [fresh(), during, after].map(({ configuration }) => configuration.generation),
    [1, 2, 3],
  )
})

test('what a head of another epoch, or of another configuration, said does not settle a replacement', () => {
  const during = replaceMember(fresh(), 'a1')
  const { generation } = during.configuration
  assert.equal(settle(takeEpoch(during, 'db-2'), { epoch: 1, generation }), undefined)
  assert.equal(settle(during, { epoch: 1, generation: generation - 1 }), undefined)
  assert.equal(settle(fresh(), { epoch: 1, generation: 1 }), undefined, 'nothing is being replaced')
})

test('a replacement that is withdrawn leaves the old six, and its name is not used again', () => {
  const back = withdraw(replaceMember(fresh(), 'c2'))
  assert.equal(names(back.configuration.members), 'a1 a2 b1 b2 c1 c2')
  assert.equal(back.configuration.joint, undefined)
  assert.equal(back.configuration.generation, 3)
  assert.equal(names(replaceMember(back, 'c2').configuration.joint), 'a1 a2 b1 b2 c1 c4')
})

test('one copy is replaced at a time, and only one that is there', () => {
  assert.throws(() => replaceMember(replaceMember(fresh(), 'a1'), 'b1'), /one copy/)
  assert.throws(() => replaceMember(fresh(), 'a9'), /a9 is a member/)
})
