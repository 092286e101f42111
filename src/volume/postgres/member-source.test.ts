import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemberSource } from './member-source.ts'

const member = {
  history: [{ epoch: 3, start: 10 }],
  first: 10,
  shownTo: (reader: string) => (reader === 'released' ? 14 : 12),
  read: (position: number) => (position < 14 ? { epoch: 3, bytes: Buffer.from('ab') } : undefined),
}

test('a member is read as it is', () => {
  const source = new MemberSource(member, '7')
  assert.deepEqual([source.systemId, source.history(), source.first()], ['7', member.history, 10])
  assert.deepEqual([source.shown('released'), source.shown('other')], [14, 12])
  assert.deepEqual(source.read(10, 2), { epoch: 3, bytes: Buffer.from('ab') })
  assert.throws(() => source.read(14, 2))
})

test('whoever watches is told, until it does not any more', () => {
  const source = new MemberSource(member, '7')
  let told = 0
  const stop = source.watch(() => told++)
  source.advanced()
  stop()
  source.advanced()
  assert.equal(told, 1)
})
