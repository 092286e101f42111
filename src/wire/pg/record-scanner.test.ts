import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecordScanner } from './record-scanner.ts'

const PAGE = 8_192
const SEGMENT = 16 * 1024 * 1024

interface Log {
  readonly start: number
  readonly bytes: Buffer
  /** Where records end, in PostgreSQL's way of counting. */
  readonly ends: readonly number[]
  /** Of each record that ended. */
  readonly lengths: readonly number[]
}

type Piece = number | 'switch' | 'torn'

/** Writes a log as PostgreSQL does. A number is a record of that length, 'torn' one that a crash has cut off. */
class Writer {
  private readonly start: number
  private readonly parts: Buffer[] = []
  private at: number
  readonly ends: number[] = []
  readonly lengths: number[] = []

  constructor(start: number) {
    this.start = start
    this.at = start
  }

  add(piece: Piece): void {
    if (piece === 'torn') return this.tear()
    const length = piece === 'switch' ? 24 : piece
    const record = Buffer.alloc(length, 0xab)
    record.writeUInt32LE(length, 0)
    record[16] = piece === 'switch' ? 0x40 : 0x10
    record[17] = piece === 'switch' ? 0 : 10
    this.put(record)
    this.pad()
    if (piece === 'switch') this.raw(Buffer.alloc((SEGMENT - (this.at % SEGMENT)) % SEGMENT))
    this.lengths.push(length)
    this.ends.push(this.at)
  }

  get log(): Log {
    return { start: this.start, bytes: Buffer.concat(this.parts), ends: this.ends, lengths: this.lengths }
  }

  /** The beginning of a record up to the end of its page; the next page says that it never went on. */
  private tear(): void {
    const room = PAGE - (this.at % PAGE)
    if (room === PAGE) return
    const record = Buffer.alloc(room, 0xcd)
    record.writeUInt32LE(room + 1_000, 0)
    this.raw(record)
    this.header(0, 0x8)
  }

  private put(record: Buffer): void {
    for (let from = 0; from < record.length;) {
      if (this.at % PAGE === 0) this.header(from === 0 ? 0 : record.length - from, 0)
      const count = Math.min(record.length - from, PAGE - (this.at % PAGE))
      this.raw(record.subarray(from, from + count))
      from += count
    }
  }

  private header(rest: number, more: number): void {
    const isLong = this.at % SEGMENT === 0
    const header = Buffer.alloc(isLong ? 40 : 24)
    header.writeUInt16LE(0xd118, 0)
    header.writeUInt16LE((rest > 0 ? 1 : 0) | (isLong ? 2 : 0) | more, 2)
    header.writeBigUInt64LE(BigInt(this.at), 8)
    header.writeUInt32LE(rest, 16)
    this.raw(header)
  }

  private pad(): void {
    this.raw(Buffer.alloc((8 - (this.at % 8)) % 8))
  }

  private raw(bytes: Buffer): void {
    this.parts.push(bytes)
    this.at += bytes.length
  }
}

function written(start: number, pieces: readonly Piece[]): Log {
  const writer = new Writer(start)
  for (const piece of pieces) writer.add(piece)
  return writer.log
}

const anyPiece: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 24, max: 200 }) },
  { weight: 6, arbitrary: fc.integer({ min: 24, max: 3 * PAGE }) },
  // So that many end where a page does, or a header does not fit into it.
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => PAGE - 24 - 8 * n) },
  { weight: 1, arbitrary: fc.constant<Piece>('torn') },
)
const NEAR_A_SEGMENT = 7 * SEGMENT - 2 * PAGE
const anyStart = fc.oneof(fc.constant(5 * SEGMENT), fc.constant(5 * SEGMENT + PAGE), fc.constant(NEAR_A_SEGMENT))
const anyLog = fc
  .tuple(anyStart, fc.array(anyPiece, { minLength: 1, maxLength: 60 }))
  .map(([start, pieces]) => written(start, pieces))

/** The last boundary after each cut. */
function boundaries(log: Log, from: number, cuts: readonly number[]): Map<number, number | undefined> {
  const scanner = new RecordScanner(from)
  const seen = new Map<number, number | undefined>()
  for (const to of cuts) {
    scanner.feed(log.bytes.subarray(scanner.position - log.start, to - log.start))
    assert.equal(scanner.position, to)
    seen.set(to, scanner.lastBoundary)
  }
  return seen
}

/** By the writer's word. A torn record's page is one too, which the writer does not list. */
const isBoundary = (log: Log, position: number): boolean => log.ends.includes(position) || position % PAGE === 0

test('at the end of every record the scanner has it, however the log is cut', () => {
  fc.assert(
    fc.property(anyLog, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (log, parts) => {
      const end = log.start + log.bytes.length
      const anywhere = parts.map((part) => log.start + Math.floor(part * log.bytes.length))
      const cuts = [...log.ends, ...anywhere, end].sort((a, b) => a - b)
      for (const [at, found] of boundaries(log, log.start, cuts)) {
        if (log.ends.includes(at)) assert.equal(found, at)
        if (found === undefined) continue
        assert.ok(found <= at && isBoundary(log, found), `${found} is no boundary`)
        const newest = log.ends.findLast((one) => one <= at) ?? log.start
        assert.ok(found >= newest, 'no record ended after it')
      }
      const byByte = boundaries(
        log,
        log.start,
        [...Array(log.bytes.length).keys()].map((n) => log.start + n + 1),
      )
      for (const [at, found] of boundaries(log, log.start, cuts)) {
        if (at > log.start) assert.equal(found, byByte.get(at), 'byte by byte as in large pieces')
      }
    }),
    { numRuns: 60 },
  )
})

test('a scan that begins at any record or page comes to the same boundaries', () => {
  fc.assert(
    fc.property(anyLog, fc.integer({ min: 0 }), (log, choice) => {
      const end = log.start + log.bytes.length
      const pages = Array.from({ length: Math.floor(log.bytes.length / PAGE) }, (_, n) => log.start + (n + 1) * PAGE)
      const starts = [...log.ends.slice(0, -1), ...pages].filter((at) => at < end)
      if (starts.length === 0) return
      const from = starts[choice % starts.length]!
      const whole = boundaries(log, log.start, log.ends)
      const later = log.ends.filter((at) => at > from)
      for (const [at, found] of boundaries(log, from, later)) assert.equal(found, whole.get(at))
    }),
    { numRuns: 200 },
  )
})

test('every record is shown once, with its first bytes', () => {
  fc.assert(
    fc.property(anyLog, fc.integer({ min: 1, max: 10_000 }), (log, size) => {
      const lengths: number[] = []
      const scanner = new RecordScanner(log.start, 45, (bytes, from, count) => {
        const length = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16)
        assert.ok(count >= Math.min(45, length))
        assert.ok(bytes.subarray(from + 18, from + Math.min(45, length)).every((byte) => byte === 0xab))
        lengths.push(length)
      })
      for (let at = 0; at < log.bytes.length; at += size) scanner.feed(log.bytes.subarray(at, at + size))
      assert.deepEqual(lengths, log.lengths)
    }),
    { numRuns: 100 },
  )
})

test('after a switch the next record is the first of the next segment', () => {
  const log = written(5 * SEGMENT, [100, 'switch', 64, 'switch', 9_000])
  for (const size of [1_000, PAGE, log.bytes.length]) {
    const scanner = new RecordScanner(log.start)
    for (let at = 0; at < log.bytes.length; at += size) scanner.feed(log.bytes.subarray(at, at + size))
    assert.equal(scanner.lastBoundary, log.ends.at(-1))
  }
  const short = new RecordScanner(log.start)
  short.feed(log.bytes.subarray(0, log.ends[0]! + 24 - log.start))
  assert.ok(short.isBehindSwitch)
  short.feed(log.bytes.subarray(log.ends[0]! + 24 - log.start, log.ends[2]! - log.start))
  assert.equal(short.isBehindSwitch, false)
  const [before, after] = [log.ends[0]! + 10_000, 6 * SEGMENT]
  const seen = boundaries(log, log.start, [before, after])
  assert.deepEqual([seen.get(before), seen.get(after)], [log.ends[0], after], 'it reaches to the end of its segment')
})

test('what is no log has no boundary, and a log behind it is found', () => {
  const log = written(6 * SEGMENT + PAGE, [50, 60, 70])
  const scanner = new RecordScanner(6 * SEGMENT)
  scanner.feed(Buffer.alloc(PAGE, 0x5a))
  assert.equal(scanner.lastBoundary, undefined)
  scanner.feed(log.bytes)
  assert.equal(scanner.lastBoundary, log.ends.at(-1))
})
