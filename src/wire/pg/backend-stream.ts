/**
 * Reads what a PostgreSQL server sends, whatever portions it comes in. Messages are put together; the log, which may be
 * much, is handed on as it comes.
 *
 *   message   type u8 · length u32, of itself and what follows · body; big-endian
 *   'd'       CopyData; of which 'w' has the log: start u64 · end of the server's log u64 · time i64 · bytes
 */
// PostgreSQL 18 manual, 54.4 and 54.7.
import { MIB } from '#base/bytes.ts'

export interface BackendHandlers {
  /** Bytes of the log. A view, good during the call. */
  log(position: number, bytes: Buffer): void
  /** Any other message, by the letter of its type. A view, good during the call. */
  message(type: string, body: Buffer): void
}

const HEADER_BYTES = 5
const COPY_DATA = 0x64
const LOG_DATA = 0x77
/** Up to the first byte of the log. */
const LOG_HEADER_BYTES = HEADER_BYTES + 25
const TWO_32 = 2 ** 32

/** Of one message: a server's longest, 128 KiB of log or a history, is far below. */
const MESSAGE_BYTES_MAX = 16 * MIB

export class BackendStream {
  private readonly handlers: BackendHandlers
  /** The beginning of a message whose end has not come. */
  private pending: Buffer | undefined
  private logAt = 0
  private logLeft = 0

  constructor(handlers: BackendHandlers) {
    this.handlers = handlers
  }

  /** Throws RangeError for a message that no server sends. */
  feed(bytes: Buffer): void {
    let all = bytes
    if (this.pending) {
      all = Buffer.concat([this.pending, bytes])
      this.pending = undefined
    }
    let from = 0
    while (from < all.length) {
      const taken = this.logLeft > 0 ? this.takeLog(all, from) : this.takeMessage(all, from)
      if (taken === 0) break
      from += taken
    }
    if (from < all.length) this.pending = Buffer.from(all.subarray(from))
  }

  private takeLog(bytes: Buffer, from: number): number {
    const count = Math.min(this.logLeft, bytes.length - from)
    const position = this.logAt
    this.logAt += count
    this.logLeft -= count
    this.handlers.log(position, bytes.subarray(from, from + count))
    return count
  }

  /** 0: it is not all there. */
  private takeMessage(bytes: Buffer, from: number): number {
    const room = bytes.length - from
    if (room < HEADER_BYTES) return 0
    const length = bytes.readUInt32BE(from + 1)
    const size = 1 + length
    if (length < 4 || size > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${length} bytes`)
    if (bytes[from] === COPY_DATA && size > HEADER_BYTES) {
      if (room === HEADER_BYTES) return 0
      if (bytes[from + HEADER_BYTES] === LOG_DATA) return this.beginLog(bytes, from, size)
    }
    if (room < size) return 0
    this.handlers.message(String.fromCharCode(bytes[from]!), bytes.subarray(from + HEADER_BYTES, from + size))
    return size
  }

  private beginLog(bytes: Buffer, from: number, size: number): number {
    if (size < LOG_HEADER_BYTES) throw new RangeError('a message of the log is cut off')
    if (bytes.length - from < LOG_HEADER_BYTES) return 0
    this.logAt = bytes.readUInt32BE(from + 6) * TWO_32 + bytes.readUInt32BE(from + 10)
    this.logLeft = size - LOG_HEADER_BYTES
    return LOG_HEADER_BYTES
  }
}
