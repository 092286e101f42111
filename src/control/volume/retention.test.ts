import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from '#base/bytes.ts'
import type { ObservedMember, ObservedReader } from '#wire/lognode/messages.ts'
import { newVolume, replaceMember } from './configuration.ts'
import { NO_IMAGES, type VolumeImages } from './images.ts'
import type { VolumeRecord } from './record.ts'
import { hasMore, LOG_FOR_AWAY_BYTES_MAX, neededFrom } from './retention.ts'
import type { VolumeSight } from './sight.ts'

const ZONES = ['a', 'b', 'c']
const volume = newVolume('vol', ZONES)
const images: VolumeImages = { ...NO_IMAGES, before: { a: 128 * MIB, b: 112 * MIB, c: 144 * MIB } }
const END = 320 * MIB

const open = (member: string, change: Partial<Extract<ObservedMember, { state: 'open' }>> = {}): ObservedMember => ({
  volume: 'vol',
  member,
  state: 'open',
  promised: 2,
  history: [],
  first: 0,
  end: END,
  durable: END,
  ...change,
})

const reader = (flushed: number): ObservedReader => ({
  volume: 'vol',
  reader: 'r',
  timeline: 2,
  sent: END,
  flushed,
  applied: flushed,
  xmin: '0',
})

/** All copies have everything, but for those that are given. */
const sights = (changed: readonly ObservedMember[] = [], away: readonly string[] = []): VolumeSight[] =>
  ZONES.filter((zone) => !away.includes(zone)).map((zone) => ({
    zone,
    members: [`${zone}1`, `${zone}2`].map((id) => changed.find(({ member }) => member === id) ?? open(id)),
    readers: [],
  }))

const needed = (seen: readonly VolumeSight[], of: VolumeRecord = volume): number | undefined =>
  neededFrom(of, { images, sights: seen })

test('log is kept from the oldest of the images before the last ones, and all of it until there are such', () => {
  assert.equal(needed(sights()), 112 * MIB)
  for (const before of [{}, { a: 1, b: 1 }])
    assert.equal(neededFrom(volume, { images: { ...images, before }, sights: sights() }), undefined)
  assert.equal(needed([]), undefined, 'nobody says how far the log is')
})

test('a copy that is behind, or may have to cut what is not durable, gets what it lacks from others', () => {
  assert.equal(needed(sights([open('b2', { end: 80 * MIB + 5 })])), 80 * MIB)
  assert.equal(needed(sights([open('c1', { durable: 96 * MIB + 5 })])), 96 * MIB)
  assert.equal(needed(sights([{ volume: 'vol', member: 'b2', state: 'failed', reason: 'bad' }])), 112 * MIB)
})

test('for a copy that nobody sees much log is kept, and not all', () => {
  assert.equal(needed(sights([], ['c'])), 0)
  assert.equal(needed(sights([{ volume: 'vol', member: 'a2', state: 'creating' }])), 0)
  assert.equal(needed(sights(), replaceMember(volume, 'b1')), 0, 'one that is to come')
  const far = LOG_FOR_AWAY_BYTES_MAX + 64 * MIB
  const late = ['a', 'b'].map((zone) => ({
    zone,
    members: [`${zone}1`, `${zone}2`].map((id) => open(id, { end: far, durable: far })),
    readers: [],
  }))
  assert.equal(needed(late), 64 * MIB)
})

test('a reader that streams is waited for', () => {
  const [a, ...others] = sights()
  assert.equal(needed([{ ...a!, readers: [reader(100 * MIB)] }, ...others]), 96 * MIB)
  assert.equal(needed([{ ...a!, readers: [reader(0)] }, ...others]), 0, 'it has not said yet how far it is')
  const stuck = { ...reader(0), timeline: undefined }
  assert.equal(needed([{ ...a!, readers: [stuck] }, ...others]), 112 * MIB, 'it may never come so far')
})

test('copies that have much more than they are to are told again', () => {
  assert.equal(hasMore([open('a1', { first: 80 * MIB })], 112 * MIB), false, 'a file goes as a whole')
  assert.equal(hasMore([open('a1', { first: 64 * MIB })], 112 * MIB), true)
  assert.equal(hasMore([open('a1', { first: 64 * MIB, durable: 80 * MIB })], 112 * MIB), false, 'it cannot yet')
  assert.equal(hasMore([{ volume: 'vol', member: 'a1', state: 'creating' }], 112 * MIB), false)
})
