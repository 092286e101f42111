import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObservedLogNode, ObservedMember } from '#wire/lognode/messages.ts'
import { newVolume, replaceMember } from './configuration.ts'
import { isLeftBehind, isLost, lostMember, newcomerOf, startOfNewcomer, straysOf, type Sights } from './losses.ts'

const volume = newVolume('cluster-1', ['a', 'b', 'c'])
const changing = replaceMember(volume, 'a2')
const newcomer = newcomerOf(changing)!

interface Seen {
  readonly first?: number
  readonly end?: number
  readonly failed?: boolean
  readonly isEmpty?: boolean
}

function member(id: string, { first = 100, end = 500, failed = false, isEmpty = false }: Seen = {}): ObservedMember {
  const named = { volume: 'cluster-1', member: id }
  if (failed) return { ...named, state: 'failed', reason: 'its disk lost something' }
  const history = isEmpty ? [] : [{ epoch: 1, start: 0 }]
  return { ...named, state: 'open', promised: 2, history, first, end, durable: end }
}

/** By zone, what its log node has. */
const sights = (members: Readonly<Record<string, ObservedMember[]>>): Sights =>
  new Map(
    Object.entries(members).map(([zone, here]): [string, ObservedLogNode] => [
      zone,
      { pid: 1, doors: { node: zone, listening: true, problem: undefined }, members: here, readers: [], relays: [] },
    ]),
  )

const whole = { a: [member('a1'), member('a2')], b: [member('b1'), member('b2')], c: [member('c1'), member('c2')] }

test('a copy is lost that has failed, or that its log node does not know', () => {
  assert.equal(lostMember(volume, sights(whole)), undefined)
  assert.equal(lostMember(volume, sights({ ...whole, b: [member('b1'), member('b2', { failed: true })] }))?.id, 'b2')
  assert.equal(lostMember(volume, sights({ ...whole, c: [] }))?.id, 'c1')
  const other: ObservedMember = { ...member('c1'), volume: 'cluster-2' }
  assert.equal(lostMember(volume, sights({ ...whole, c: [other, member('c2')] }))?.id, 'c1')
})

test('a copy that is being opened is not lost, nor one whose log node is away', () => {
  const opening: ObservedMember = { volume: 'cluster-1', member: 'a1', state: 'creating' }
  assert.equal(lostMember(volume, sights({ ...whole, a: [opening, member('a2')] })), undefined)
  const { a, b } = whole
  assert.equal(lostMember(volume, sights({ a, b })), undefined)
  assert.equal(isLost(volume, { id: 'c1', zone: 'c' }, sights({ a, b })), false)
})

test('a copy that lacks log which no other has any more is lost, and one that another can help is not', () => {
  const late = member('c1', { first: 0, end: 250 })
  const pruned = [member('b1', { first: 300 }), member('b2', { first: 300 })]
  const a = [member('a1', { first: 300 }), member('a2', { first: 300 })]
  const alone = sights({ a, b: pruned, c: [late, member('c2', { first: 300 })] })
  assert.equal(lostMember(volume, alone)?.id, 'c1')
  const helped = sights({ a, b: pruned, c: [late, member('c2', { first: 200 })] })
  assert.equal(lostMember(volume, helped), undefined)
})

test('what is on a log node and in no configuration is a stray; who is to come and who is to go are none', () => {
  const here = { ...whole, a: [member('a1'), member('a2'), member('a3')] }
  assert.deepEqual(straysOf(volume, sights(here)), [{ id: 'a3', zone: 'a' }])
  assert.deepEqual(straysOf(changing, sights(here)), [])
})

test('a new copy begins where each of the others has the log, and is left behind when none has it any more', () => {
  const others = { b: [member('b1', { first: 300 }), member('b2')], c: [member('c1'), member('c2', { first: 200 })] }
  const old = [member('a1'), member('a2', { failed: true })]
  assert.equal(startOfNewcomer(changing, sights({ a: old, ...others })), 300)
  assert.equal(startOfNewcomer(changing, sights({ a: [] })), undefined)
  const fresh = (end: number): Sights =>
    sights({ a: [...old, member('a3', { first: end, end, isEmpty: true })], ...others })
  assert.equal(isLeftBehind(changing, newcomer, fresh(100)), false)
  assert.equal(isLeftBehind(changing, newcomer, fresh(99)), true)
})
