/**
 * Finds where records end in a stream of PostgreSQL's log, whatever portions it comes in. What records say is for others.
 *
 *   page (8 KiB)  magic u16 · flags u16 · timeline u32 · its position u64 · rest of the last page's record u32; 24 bytes,
 *                 40 on a segment's first page
 *   record        length u32 · xid u32 · previous u64 · info u8 · resource manager u8 · 2 · CRC u32, then headers of its
 *                 parts, then the parts; begins on a multiple of 8, and goes on behind the next page's header
 */
// PostgreSQL source: src/include/access/xlog_internal.h, xlogrecord.h.
import { assert } from '#base/assert.ts'
import { SEGMENT_BYTES } from './lsn.ts'

const PAGE_BYTES = 8_192
const PAGE_HEADER_BYTES = 24
const LONG_PAGE_HEADER_BYTES = 40
const IS_CONTINUED = 0x1
const HAS_LONG_HEADER = 0x2

export const RECORD_HEADER_BYTES = 24
const LENGTH_BYTES = 4
const INFO_AT = 16
const MANAGER_AT = 17
const OF_LOG = 0
/** After this one the rest of the segment is empty. */
const SWITCH = 0x40

/** Of a record whose length has not come whole yet. */
const UNKNOWN = -1

/**
 * A record has ended: the first of its bytes are `bytes[from, from + count)`, at least as many as the scanner was asked
 * to keep unless the record is shorter. They are good during the call.
 */
export type OnRecord = (bytes: Uint8Array, from: number, count: number) => void

export class RecordScanner {
  private at: number
  private boundary: number | undefined
  private readonly onRecord: OnRecord | undefined
  /** The first bytes of a record that came in pieces. */
  private readonly kept: Uint8Array
  private keptCount = 0
  /** Bytes of the present record that have not come; 0: none has begun. */
  private left = 0
  /** Bytes of content to pass over until a record has ended: padding, or the rest of one that began before us. */
  private skipped = 0
  /** Nothing before this position is looked at: the segment was left early, or what is here is no log. */
  private resumesAt = 0
  /** Whether a record says so: it ends there. */
  private isSwitched = false
  private readonly pageHeader = new Uint8Array(PAGE_HEADER_BYTES)
  private longHeaderLeft = 0

  /** `start` is where a page begins, or a record. `keep`: that many bytes of each record are shown to `onRecord`. */
  constructor(start: number, keep = RECORD_HEADER_BYTES, onRecord?: OnRecord) {
    assert(start % 8 === 0, 'a record begins on a multiple of 8')
    assert(keep >= RECORD_HEADER_BYTES, "a record's header is kept")
    this.at = start
    if (start % PAGE_BYTES !== 0) this.boundary = start
    this.kept = new Uint8Array(keep)
    this.onRecord = onRecord
  }

  /** Where the next bytes go. */
  get position(): number {
    return this.at
  }

  /**
   * The last place at or before {@link position} at which a record ends, its padding included, as PostgreSQL counts it: the
   * next page, not what is behind its header; after a switch, the next segment. Undefined until one is known.
   */
  get lastBoundary(): number | undefined {
    return this.boundary
  }

  /** Whether the last record leaves the rest of the segment empty, and nothing else has come since. */
  get isBehindSwitch(): boolean {
    return this.isSwitched && this.at <= this.resumesAt
  }

  /** The next bytes of the log. */
  feed(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const taken = this.take(bytes, from)
      from += taken
      this.at += taken
    }
  }

  private take(bytes: Uint8Array, from: number): number {
    const room = bytes.length - from
    if (this.at < this.resumesAt) return this.passOver(Math.min(this.resumesAt - this.at, room))
    const inPage = this.at % PAGE_BYTES
    if (inPage < PAGE_HEADER_BYTES) return this.takePageHeader(bytes, from, inPage)
    const content = Math.min(PAGE_BYTES - inPage, room)
    if (this.longHeaderLeft > 0) {
      const count = Math.min(this.longHeaderLeft, content)
      this.longHeaderLeft -= count
      return count
    }
    if (this.skipped > 0) {
      const count = Math.min(this.skipped, content)
      this.skipped -= count
      if (this.skipped === 0) this.boundary = this.at + count
      return count
    }
    return this.left === 0 ? this.takeWholeRecords(bytes, from, content) : this.takeRecord(bytes, from, content)
  }

  private passOver(count: number): number {
    if (this.isSwitched && this.at + count === this.resumesAt) this.boundary = this.resumesAt
    return count
  }

  private takePageHeader(bytes: Uint8Array, from: number, inPage: number): number {
    const count = Math.min(PAGE_HEADER_BYTES - inPage, bytes.length - from)
    for (let n = 0; n < count; n++) this.pageHeader[inPage + n] = bytes[from + n]!
    if (inPage + count === PAGE_HEADER_BYTES) this.readPageHeader(this.at - inPage)
    return count
  }

  private readPageHeader(page: number): void {
    const { pageHeader } = this
    // Behind a switch pages are zeros.
    if (u32(pageHeader, 8) + u32(pageHeader, 12) * 2 ** 32 !== page) return this.loseTrack(page)
    const flags = pageHeader[2]!
    if ((flags & IS_CONTINUED) === 0) {
      // A record that goes on no further was never finished: a crash came between, and another has taken its place.
      this.left = 0
      this.skipped = 0
      this.boundary = page
    } else if (this.left === 0 && this.skipped === 0) {
      this.skipped = padded(u32(pageHeader, 16))
    }
    this.longHeaderLeft = (flags & HAS_LONG_HEADER) === 0 ? 0 : LONG_PAGE_HEADER_BYTES - PAGE_HEADER_BYTES
  }

  /** Those that are here from their first byte to their last. Most are. */
  private takeWholeRecords(bytes: Uint8Array, from: number, room: number): number {
    let taken = 0
    while (room - taken >= RECORD_HEADER_BYTES) {
      const begin = from + taken
      const length = u32(bytes, begin)
      if (length < RECORD_HEADER_BYTES || padded(length) > room - taken) break
      taken += padded(length)
      this.onRecord?.(bytes, begin, length)
      this.endAt(this.at + taken, isSwitch(bytes, begin))
      if (this.isSwitched) return taken
    }
    if (taken > 0) return taken
    this.left = UNKNOWN
    this.keptCount = 0
    return this.takeRecord(bytes, from, room)
  }

  private takeRecord(bytes: Uint8Array, from: number, room: number): number {
    if (this.left === UNKNOWN) {
      const count = Math.min(LENGTH_BYTES - this.keptCount, room)
      this.keep(bytes, from, count)
      if (this.keptCount < LENGTH_BYTES) return count
      this.left = u32(this.kept, 0) - LENGTH_BYTES
      // No record has this length: the log was not written here yet, or what follows was never a log.
      if (this.left < RECORD_HEADER_BYTES - LENGTH_BYTES) this.loseTrack(this.at)
      return count
    }
    const count = Math.min(this.left, room)
    this.keep(bytes, from, count)
    this.left -= count
    if (this.left === 0) this.endRecord(this.at + count)
    return count
  }

  private keep(bytes: Uint8Array, from: number, count: number): void {
    const kept = Math.min(count, this.kept.length - this.keptCount)
    for (let n = 0; n < kept; n++) this.kept[this.keptCount + n] = bytes[from + n]!
    this.keptCount += kept
  }

  private endRecord(end: number): void {
    this.onRecord?.(this.kept, 0, this.keptCount)
    this.skipped = padded(end) - end
    if (this.skipped === 0) this.endAt(end, isSwitch(this.kept, 0))
  }

  private endAt(end: number, isSwitched: boolean): void {
    this.isSwitched = isSwitched
    this.resumesAt = isSwitched ? roundedUp(end, SEGMENT_BYTES) : 0
    if (end >= this.resumesAt) this.boundary = end
  }

  /** The header of the next page says where to begin again. */
  private loseTrack(at: number): void {
    this.left = 0
    this.skipped = 0
    this.isSwitched = false
    this.resumesAt = at - (at % PAGE_BYTES) + PAGE_BYTES
  }
}

const u32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) + bytes[at + 3]! * 2 ** 24

const isSwitch = (record: Uint8Array, from: number): boolean =>
  record[from + MANAGER_AT] === OF_LOG && (record[from + INFO_AT]! & 0xf0) === SWITCH

const roundedUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit

const padded = (bytes: number): number => roundedUp(bytes, 8)
