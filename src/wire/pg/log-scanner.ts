/**
 * Finds the times of commits and aborts in a stream of PostgreSQL's log. Everything else is passed over.
 *
 *   page (8 KiB)  magic u16 · flags u16 · timeline u32 · its position u64 · rest of the last page's record u32; 24 bytes,
 *                 40 on a segment's first page
 *   record        length u32 · xid u32 · previous u64 · info u8 · resource manager u8 · 2 · CRC u32, then headers of its
 *                 parts, then the parts; begins on a multiple of 8, and goes on behind the next page's header
 */
// PostgreSQL source: src/include/access/xlog_internal.h, xlogrecord.h, xact.h.
import { assert } from '#base/assert.ts'
import { SEGMENT_BYTES, segmentStart } from './lsn.ts'
import { POSTGRES_EPOCH_US } from './replication-messages.ts'

const PAGE_BYTES = 8_192
const PAGE_HEADER_BYTES = 24
const LONG_PAGE_HEADER_BYTES = 40
const IS_CONTINUED = 0x1
const HAS_LONG_HEADER = 0x2
/** The record that the last page ended in was never finished, and another has taken its place. */
const IS_OVERWRITTEN = 0x8

const RECORD_HEADER_BYTES = 24
const INFO_AT = 16
const MANAGER_AT = 17
const OF_LOG = 0
const OF_TRANSACTIONS = 1
/** After this one the rest of the segment is empty. */
const SWITCH = 0x40
/** Commit, abort, and both of prepared transactions: all begin with their time. */
const ENDINGS = new Set([0x00, 0x20, 0x30, 0x40])

/** Enough of a record to find its time: the header, an origin, a parent's id, the length of the data, the time. */
const KEPT_BYTES = RECORD_HEADER_BYTES + 3 + 5 + 5 + 8

export class LogScanner {
  private at: bigint
  private newest = 0
  /** Of the present record: bytes kept so far, and bytes still to come; undefined when its length is not known yet. */
  private readonly kept = Buffer.alloc(KEPT_BYTES)
  private keptBytes = 0
  private left: number | undefined
  /** Bytes of content to pass over: the rest of a record that began before us, or padding. */
  private skipped = 0n
  /** Nothing before this position is looked at: the segment was left early. */
  private resumesAt = 0n
  private readonly pageHeader = Buffer.alloc(PAGE_HEADER_BYTES)
  private longHeaderLeft = 0
  private inRecord = false
  /** Until the first page header has said where a record begins. */
  private synced = false

  /** `start` is where a page begins. */
  constructor(start: bigint) {
    assert(start % BigInt(PAGE_BYTES) === 0n, 'a scan begins with a page')
    this.at = start
  }

  get position(): bigint {
    return this.at
  }

  /**
   * The newest time among the records that ended since this was asked last, in microseconds of Unix time; 0 if there was
   * none.
   */
  takeNewest(): number {
    const newest = this.newest
    this.newest = 0
    return newest
  }

  /** The next bytes of the log. */
  feed(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const taken = this.take(bytes, from)
      from += taken
      this.at += BigInt(taken)
    }
  }

  private take(bytes: Uint8Array, from: number): number {
    const empty = this.resumesAt - this.at
    if (empty > 0n) return Math.min(Number(empty), bytes.length - from)
    const inPage = Number(this.at % BigInt(PAGE_BYTES))
    return inPage < PAGE_HEADER_BYTES
      ? this.takePageHeader(bytes, from, inPage)
      : this.takeContent(bytes, from, PAGE_BYTES - inPage)
  }

  private takePageHeader(bytes: Uint8Array, from: number, inPage: number): number {
    const count = Math.min(PAGE_HEADER_BYTES - inPage, bytes.length - from)
    this.pageHeader.set(bytes.subarray(from, from + count), inPage)
    if (inPage + count === PAGE_HEADER_BYTES) this.readPageHeader()
    return count
  }

  private readPageHeader(): void {
    const flags = this.pageHeader.readUInt16LE(2)
    const rest = BigInt(this.pageHeader.readUInt32LE(16))
    if (flags & IS_OVERWRITTEN) this.dropRecord()
    if (!this.synced) {
      this.synced = true
      if (flags & IS_CONTINUED) this.skipped = aligned(rest)
    }
    this.longHeaderLeft = flags & HAS_LONG_HEADER ? LONG_PAGE_HEADER_BYTES - PAGE_HEADER_BYTES : 0
  }

  private takeContent(bytes: Uint8Array, from: number, inPageLeft: number): number {
    const count = Math.min(inPageLeft, bytes.length - from)
    if (this.longHeaderLeft > 0) {
      const header = Math.min(this.longHeaderLeft, count)
      this.longHeaderLeft -= header
      return header
    }
    if (this.skipped > 0n) {
      const skip = this.skipped < BigInt(count) ? Number(this.skipped) : count
      this.skipped -= BigInt(skip)
      return skip
    }
    if (!this.inRecord) this.beginRecord()
    return this.takeRecord(bytes, from, count)
  }

  private beginRecord(): void {
    this.inRecord = true
    this.keptBytes = 0
    this.left = undefined
  }

  private dropRecord(): void {
    this.inRecord = false
    this.skipped = 0n
  }

  private takeRecord(bytes: Uint8Array, from: number, room: number): number {
    if (this.left === undefined) {
      const count = Math.min(4 - this.keptBytes, room)
      this.keep(bytes, from, count)
      if (this.keptBytes === 4) this.left = this.kept.readUInt32LE(0) - 4
      // No record has this length: the log was not written here yet, or what follows was never a log.
      if (this.left !== undefined && this.left < RECORD_HEADER_BYTES - 4) this.loseTrack()
      return count
    }
    const count = Math.min(this.left, room)
    this.keep(bytes, from, Math.min(count, KEPT_BYTES - this.keptBytes))
    this.left -= count
    if (this.left === 0) this.endRecord(this.at + BigInt(count))
    return count
  }

  private keep(bytes: Uint8Array, from: number, count: number): void {
    this.kept.set(bytes.subarray(from, from + count), this.keptBytes)
    this.keptBytes += count
  }

  private endRecord(end: bigint): void {
    this.inRecord = false
    this.skipped = aligned(end) - end
    const [info, manager] = [this.kept[INFO_AT]! & 0xf0, this.kept[MANAGER_AT]]
    if (manager === OF_LOG && info === SWITCH) {
      this.skipped = 0n
      this.resumesAt = segmentStart(end - 1n) + BigInt(SEGMENT_BYTES)
    } else if (manager === OF_TRANSACTIONS && ENDINGS.has(info & 0x70)) {
      this.newest = Math.max(this.newest, timeOf(this.kept.subarray(0, this.keptBytes)))
    }
  }

  /** The header of the next page says where to begin again. */
  private loseTrack(): void {
    this.inRecord = false
    this.synced = false
    this.resumesAt = this.at - (this.at % BigInt(PAGE_BYTES)) + BigInt(PAGE_BYTES)
  }
}

const aligned = (position: bigint): bigint => (position + 7n) & ~7n

const ORIGIN = 253
const PARENT = 252
const LONG_DATA = 254
const SHORT_DATA = 255

function timeOf(record: Buffer): number {
  let at = RECORD_HEADER_BYTES
  if (record[at] === ORIGIN) at += 3
  if (record[at] === PARENT) at += 5
  if (record[at] === SHORT_DATA) at += 2
  else if (record[at] === LONG_DATA) at += 5
  else return 0
  return at + 8 <= record.length ? Number(record.readBigInt64LE(at)) + POSTGRES_EPOCH_US : 0
}
