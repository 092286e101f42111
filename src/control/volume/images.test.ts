import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MIB } from '#base/bytes.ts'
import { begun, dueImage, givenUp, imageIn, left, made, NO_IMAGES, type VolumeImages } from './images.ts'

const seed = { imageId: 'seed', systemId: '7', epoch: 1, start: 16 * MIB, end: 16 * MIB + 160 }
const zones = ['a', 'b', 'c']
const due = (images: VolumeImages, durable: number): ReturnType<typeof dueImage> =>
  dueImage(images, { seed, zones, durable })

function with_(record: VolumeImages, zone: string, from: number, sizeBytes = 40 * MIB): VolumeImages {
  const making = begun(record, { id: 'vol' }, { zone, until: from + 1_000 })
  return made(making, { image: { systemId: '7', epoch: 2, from }, sizeBytes, madeAt: 5 })
}

test('an image is due where there is enough log behind the last one, first where there is most', () => {
  assert.equal(due(NO_IMAGES, seed.end), undefined)
  assert.deepEqual(due(NO_IMAGES, seed.start + 32 * MIB), { zone: 'a', since: seed.start + 16 * MIB })
  const one = with_(NO_IMAGES, 'a', 48 * MIB)
  assert.equal(due(one, 48 * MIB)!.zone, 'b')
  const all = with_(with_(one, 'b', 64 * MIB), 'c', 56 * MIB)
  assert.equal(due(all, 79 * MIB), undefined)
  assert.deepEqual(due(all, 96 * MIB), { zone: 'a', since: 64 * MIB })
})

test('a large database asks for more log between two images, as each of them may be a copy of all of it', () => {
  const large = zones.reduce((record, zone) => with_(record, zone, 100 * MIB, 1024 * MIB), NO_IMAGES)
  assert.equal(due(large, 600 * MIB), undefined)
  assert.deepEqual(due(large, 612 * MIB), { zone: 'a', since: 356 * MIB })
})

test('a zone has one image, the one before goes, and from where it needed the log is kept', () => {
  const first = with_(NO_IMAGES, 'a', 48 * MIB)
  assert.deepEqual([first.before, first.leaving], [{}, []])
  const making = begun(first, { id: 'vol' }, { zone: 'a', until: 90 * MIB })
  assert.equal(due(making, 500 * MIB), undefined, 'one at a time')
  const second = made(making, { image: { systemId: '7', epoch: 2, from: 80 * MIB }, sizeBytes: 1, madeAt: 6 })
  assert.deepEqual(second.images, [{ imageId: 'vol-image-2', zone: 'a', from: 80 * MIB, sizeBytes: 1, madeAt: 6 }])
  assert.deepEqual([second.before, second.leaving], [{ a: 48 * MIB }, [{ imageId: 'vol-image-1', zone: 'a' }]])
  assert.deepEqual(left(second, second.leaving).leaving, [])
})

test('one that was given up leaves what there was, and its name is not used again', () => {
  const first = with_(NO_IMAGES, 'b', 48 * MIB)
  const gone = givenUp(begun(first, { id: 'vol' }, { zone: 'b', until: 90 * MIB }))
  assert.deepEqual([gone.making, gone.images], [undefined, first.images])
  assert.deepEqual(gone.leaving, [{ imageId: 'vol-image-2', zone: 'b' }])
  assert.equal(begun(gone, { id: 'vol' }, { zone: 'b', until: 91 * MIB }).making!.imageId, 'vol-image-3')
})

test('an engine is made of the image of its zone, else of the latest, else of what the volume began with', () => {
  assert.equal(imageIn(NO_IMAGES, 'a', seed), 'seed')
  const two = with_(with_(NO_IMAGES, 'a', 48 * MIB), 'b', 64 * MIB)
  assert.deepEqual(
    zones.map((zone) => imageIn(two, zone, seed)),
    ['vol-image-1', 'vol-image-2', 'vol-image-2'],
  )
})
