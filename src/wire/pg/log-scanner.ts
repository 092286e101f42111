/** Finds the times of commits and aborts in a stream of PostgreSQL's log. Everything else is passed over. */
// PostgreSQL source: src/include/access/xlogrecord.h, xact.h.
import { assert } from '#base/assert.ts'
import { RECORD_HEADER_BYTES, RecordScanner } from './record-scanner.ts'
import { POSTGRES_EPOCH_US } from './replication-messages.ts'

const PAGE_BYTES = 8_192n

const INFO_AT = 16
const MANAGER_AT = 17
const OF_TRANSACTIONS = 1
/** Commit, abort, and both of prepared transactions: all begin with their time. */
const ENDINGS = new Set([0x00, 0x20, 0x30, 0x40])

/** Enough of a record to find its time: the header, an origin, a parent's id, the length of the data, the time. */
const KEPT_BYTES = RECORD_HEADER_BYTES + 3 + 5 + 5 + 8

export class LogScanner {
  private readonly records: RecordScanner
  private newest = 0

  /** `start` is where a page begins. */
  constructor(start: bigint) {
    assert(start % PAGE_BYTES === 0n, 'a scan begins with a page')
    this.records = new RecordScanner(Number(start), KEPT_BYTES, (bytes, from, count) => {
      const isEnding = bytes[from + MANAGER_AT] === OF_TRANSACTIONS && ENDINGS.has(bytes[from + INFO_AT]! & 0x70)
      if (isEnding) this.newest = Math.max(this.newest, timeOf(bytes.subarray(from, from + count)))
    })
  }

  get position(): bigint {
    return BigInt(this.records.position)
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
    this.records.feed(bytes)
  }
}

const ORIGIN = 253
const PARENT = 252
const LONG_DATA = 254
const SHORT_DATA = 255

function timeOf(record: Uint8Array): number {
  let at = RECORD_HEADER_BYTES
  if (record[at] === ORIGIN) at += 3
  if (record[at] === PARENT) at += 5
  if (record[at] === SHORT_DATA) at += 2
  else if (record[at] === LONG_DATA) at += 5
  else return 0
  if (at + 8 > record.length) return 0
  return Number(new DataView(record.buffer, record.byteOffset + at, 8).getBigInt64(0, true)) + POSTGRES_EPOCH_US
}
