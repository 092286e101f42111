import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeHeader, HEADER_BYTES } from './frame.ts'
import type { LogDisk } from './ports.ts'
import type { LogExtent } from './scan.ts'
import { Scrub, framesFor, type Hole } from './scrub.ts'

const VOLUME = 7
const NAME = '000000000001.log'

/** A file with frames of these lengths, one after the other, and zeros behind. */
function logOf(lengths: readonly number[]): { file: Buffer; extent: LogExtent; scrub: Scrub } {
  let position = 100
  const frames = lengths.flatMap((length) => {
    const bytes = Buffer.alloc(length, position)
    const header = encodeHeader(VOLUME, { epoch: 2, position, length, durable: 100, synced: position }, bytes)
    position += length
    return [header, bytes]
  })
  const file = Buffer.concat([...frames, Buffer.alloc(4096)])
  const extent = { name: NAME, epoch: 2, start: 100, end: position }
  const disk = { read: (_: string, offset: number, count: number) => file.subarray(offset, offset + count) }
  const log = { extents: [extent], nextOffset: () => undefined }
  return { file, extent, scrub: new Scrub(disk as unknown as LogDisk, VOLUME, log) }
}

/** Where the frame of this number begins. */
const offsetOf = (lengths: readonly number[], number: number): number =>
  lengths.slice(0, number).reduce((sum, length) => sum + HEADER_BYTES + length, 0)

function damage(file: Buffer, at: number): void {
  file[at] = file[at]! ^ 1
}

/** What makes the file whole again, by what was there. */
function mend(file: Buffer, hole: Hole, was: Buffer): void {
  const bytes = Buffer.alloc(hole.until - hole.from)
  for (let at = 0; at < was.length - HEADER_BYTES;) {
    const length = was.readUInt32LE(at + 12)
    const position = was.readUInt32LE(at + 24)
    if (was.readUInt32LE(at) === 0) break
    was.copy(bytes, position - hole.from, at + HEADER_BYTES, at + HEADER_BYTES + length)
    at += HEADER_BYTES + length
  }
  const frames = framesFor(VOLUME, hole, bytes)
  assert.ok(frames)
  frames.copy(file, hole.offset)
}

/** Looks at all there is, twice. */
function found(scrub: Scrub, end: number): Hole | undefined {
  for (let turn = 0; turn < 4; turn++) {
    const hole = scrub.next(end)
    if (hole) return hole
  }
  return undefined
}

test('a log that is as it was written has no hole, whatever lies behind its end', () => {
  const { file, extent, scrub } = logOf([50, 0, 700, 30])
  assert.equal(found(scrub, extent.end), undefined)
  damage(file, offsetOf([50, 0, 700, 30], 4) + 10)
  assert.equal(found(scrub, extent.end), undefined)
})

const LENGTHS = [50, 0, 700, 30, 0, 200]
for (const damaged of [[0], [1], [2], [5], [2, 3], [0, 1, 2], [3, 4, 5], [0, 1, 2, 3, 4, 5]])
  for (const place of [0, 12, 25, HEADER_BYTES - 1])
    test(`frames ${damaged.join(', ')} damaged at byte ${place} are one hole, and whole again with what was there`, () => {
      const { file, extent, scrub } = logOf(LENGTHS)
      const whole = Buffer.from(file)
      for (const number of damaged) damage(file, offsetOf(LENGTHS, number) + place)
      const hole = found(scrub, extent.end)
      assert.ok(hole)
      assert.equal(hole.offset, offsetOf(LENGTHS, damaged[0]!))
      const bytesBefore = LENGTHS.slice(0, damaged[0]).reduce((sum, length) => sum + length, 0)
      assert.equal(hole.from, 100 + bytesBefore)
      mend(file, hole, whole.subarray(hole.offset, hole.nextOffset ?? whole.length))
      assert.equal(found(scrub, extent.end), undefined)
      assert.equal(
        found(new Scrub(diskOf(file), VOLUME, { extents: [extent], nextOffset: () => undefined }), extent.end),
        undefined,
      )
    })

const diskOf = (file: Buffer): LogDisk =>
  ({ read: (_: string, offset: number, count: number) => file.subarray(offset, offset + count) }) as unknown as LogDisk

test('what is not durable is not looked at, and bytes that cannot have been there are not written', () => {
  const { file, scrub } = logOf([50, 60])
  damage(file, offsetOf([50, 60], 1) + 20)
  assert.equal(found(scrub, 150), undefined)
  const hole: Hole = { name: NAME, epoch: 2, offset: 0, nextOffset: 120, from: 100, until: 150 }
  assert.equal(framesFor(VOLUME, hole, Buffer.alloc(50)), undefined)
  assert.ok(framesFor(VOLUME, { ...hole, nextOffset: 98 }, Buffer.alloc(50)))
})
