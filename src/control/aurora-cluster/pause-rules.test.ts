import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayPause, mustWake, wantedOf, type PauseMember } from './pause-rules.ts'

const member = (resourceId: string, more: Partial<PauseMember> = {}): PauseMember => ({
  resourceId,
  isWriter: false,
  isServerless: true,
  goesWithWriter: false,
  isPaused: false,
  idleMs: 1000,
  ...more,
})
const writer = (more: Partial<PauseMember> = {}): PauseMember =>
  member('writer', { isWriter: true, goesWithWriter: true, ...more })
const near = (more: Partial<PauseMember> = {}): PauseMember => member('near', { goesWithWriter: true, ...more })
const far = (more: Partial<PauseMember> = {}): PauseMember => member('far', more)

test('a writer without readers pauses when nobody was there for long enough', () => {
  assert.deepEqual(mayPause([writer()], 1000), { group: ['writer'], readers: [] })
  assert.deepEqual(mayPause([writer()], 1001), { group: [], readers: [] })
  assert.deepEqual(mayPause([writer({ isPaused: true })], 1000), { group: [], readers: [] })
})

test('the writer and the readers that go with it pause together, readers first', () => {
  assert.deepEqual(mayPause([writer(), near()], 1000).group, ['near', 'writer'])
  assert.deepEqual(mayPause([writer(), near({ idleMs: 0 })], 1000).group, [])
  assert.deepEqual(mayPause([writer({ idleMs: 0 }), near()], 1000).group, [])
})

test('other readers pause by themselves, and the writer only after them', () => {
  assert.deepEqual(mayPause([writer(), far()], 1000), { group: [], readers: ['far'] })
  assert.deepEqual(mayPause([writer(), far({ isPaused: true })], 1000), { group: ['writer'], readers: [] })
  assert.deepEqual(mayPause([writer(), far({ idleMs: 0 })], 1000), { group: [], readers: [] })
})

test('beside a provisioned instance only readers of other tiers pause', () => {
  const provisioned = far({ resourceId: 'fixed', isServerless: false })
  assert.deepEqual(mayPause([writer(), near(), far(), provisioned], 1000), { group: [], readers: ['far'] })
  assert.deepEqual(mayPause([writer({ isServerless: false }), near()], 1000), { group: [], readers: [] })
})

test('without a writer nothing is paused but readers', () => {
  assert.deepEqual(mayPause([near()], 1000).group, [])
  assert.deepEqual(mayPause([], 1000), { group: [], readers: [] })
})

const PAUSED = { isPaused: true }
const wake = (members: readonly PauseMember[], wanted: readonly string[] = [], all = false): unknown =>
  mustWake(members, new Set(wanted), all)
const NOBODY = { writer: false, readers: [] }

test('whoever is wanted wakes, and the writer before any reader', () => {
  assert.deepEqual(wake([writer(PAUSED), far(PAUSED)]), NOBODY)
  assert.deepEqual(wake([writer(PAUSED), far(PAUSED)], ['writer']), { writer: true, readers: [] })
  assert.deepEqual(wake([writer(PAUSED), far(PAUSED)], ['far']), { writer: true, readers: [] })
  assert.deepEqual(wake([writer(), far(PAUSED)], ['far']), { writer: false, readers: ['far'] })
})

test('with the writer wake the readers that go with it, and no others', () => {
  assert.deepEqual(wake([writer(), near(PAUSED), far(PAUSED)]), { writer: false, readers: ['near'] })
})

test('the writer does not sleep while a reader is awake', () => {
  assert.deepEqual(wake([writer(PAUSED), far()]), { writer: true, readers: [] })
})

test('where nothing may be paused any more everything wakes', () => {
  assert.deepEqual(wake([writer(PAUSED), far(PAUSED)], [], true), { writer: true, readers: [] })
  assert.deepEqual(wake([writer(), far(PAUSED)], [], true), { writer: false, readers: ['far'] })
})

test('who waits at an endpoint wants one of its instances, unless one is awake', () => {
  assert.equal(wantedOf([near(PAUSED), far(PAUSED)]), 'near')
  assert.equal(wantedOf([near(PAUSED), far()]), undefined)
  assert.equal(wantedOf([]), undefined)
})
