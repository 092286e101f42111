/**
 * What goes through a replication connection once it streams, inside of CopyData. Big-endian.
 *
 *   'w'  start of the data u64 · end of the server's log u64 · time i64 · data     sender → receiver
 *   'k'  end of what was sent u64 · time i64 · answer at once u8                   sender → receiver
 *   'r'  written u64 · flushed u64 · applied u64 · time i64 · answer at once u8    receiver → sender
 *   'h'  time i64 · oldest transaction u32, its epoch u32 · the same for catalogs  receiver → sender
 *
 * Each is spoken by us in both roles: as a receiver of an engine's log, and as the sender of a volume's.
 */
// PostgreSQL 18 manual, 54.4, START_REPLICATION.

export type FromSender =
  | { readonly type: 'data'; readonly start: bigint; readonly data: Buffer }
  | { readonly type: 'keepalive'; readonly sentTo: bigint; readonly wantsReply: boolean }

const DATA_AT = 25

/** The data is a view into `message`. Throws RangeError for a message that is cut off, SyntaxError for an unknown one. */
export function parseFromSender(message: Buffer): FromSender {
  switch (message[0]) {
    case 0x77:
      if (message.length < DATA_AT) throw new RangeError('a message of the log is cut off')
      return { type: 'data', start: message.readBigUInt64BE(1), data: message.subarray(DATA_AT) }
    case 0x6b:
      return { type: 'keepalive', sentTo: message.readBigUInt64BE(1), wantsReply: message.readUInt8(17) === 1 }
    default:
      throw new SyntaxError(`a message of an unknown kind: ${message[0]}`)
  }
}

/** 2000-01-01, from which PostgreSQL counts, in microseconds of Unix time. */
export const POSTGRES_EPOCH_US = 946_684_800_000_000

/** Says that the log is safe up to `flushedTo`: the server may drop what lies before. `now` in milliseconds. */
export function statusUpdate({
  writtenTo,
  flushedTo,
  now,
}: {
  writtenTo: bigint
  flushedTo: bigint
  now: number
}): Buffer {
  const message = Buffer.alloc(34)
  message.write('r', 0, 'latin1')
  message.writeBigUInt64BE(writtenTo, 1)
  message.writeBigUInt64BE(flushedTo, 9)
  // Nothing is ever applied here; who reads pg_stat_replication is not to think so.
  message.writeBigUInt64BE(0n, 17)
  message.writeBigInt64BE(BigInt(Math.round(now * 1_000) - POSTGRES_EPOCH_US), 25)
  return message
}

const COPY_DATA = 0x64
const COPY_HEAD_BYTES = 5
const LOG_HEAD_BYTES = COPY_HEAD_BYTES + DATA_AT

/** Microseconds since PostgreSQL's beginning of time. `now` in milliseconds. */
const timeOf = (now: number): bigint => BigInt(Math.round(now * 1_000) - POSTGRES_EPOCH_US)

/** A whole CopyData message with bytes of the log, which may be in pieces. `end`: of the log that the receiver may have. */
export function logMessage(
  start: number,
  pieces: readonly Buffer[],
  { end, now }: { readonly end: number; readonly now: number },
): Buffer {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
  const message = Buffer.allocUnsafe(LOG_HEAD_BYTES + bytes)
  message[0] = COPY_DATA
  message.writeUInt32BE(message.length - 1, 1)
  message.write('w', COPY_HEAD_BYTES, 'latin1')
  message.writeBigUInt64BE(BigInt(start), 6)
  message.writeBigUInt64BE(BigInt(end), 14)
  message.writeBigInt64BE(timeOf(now), 22)
  let at = LOG_HEAD_BYTES
  for (const piece of pieces) {
    message.set(piece, at)
    at += piece.length
  }
  return message
}

/** A whole CopyData message that says that the sender is there, and how far it has come. */
export function keepaliveMessage(
  sentTo: number,
  { now, wantsReply }: { readonly now: number; readonly wantsReply: boolean },
): Buffer {
  const message = Buffer.alloc(COPY_HEAD_BYTES + 18)
  message[0] = COPY_DATA
  message.writeUInt32BE(message.length - 1, 1)
  message.write('k', COPY_HEAD_BYTES, 'latin1')
  message.writeBigUInt64BE(BigInt(sentTo), 6)
  message.writeBigInt64BE(timeOf(now), 14)
  message[22] = wantsReply ? 1 : 0
  return message
}

export type FromReceiver =
  | {
      readonly type: 'status'
      readonly written: number
      readonly flushed: number
      readonly applied: number
      readonly wantsReply: boolean
    }
  /** Transactions from which on the receiver still needs rows; with the epoch of their number above 32 bits. 0: none. */
  | { readonly type: 'feedback'; readonly xmin: bigint; readonly catalogXmin: bigint }

/** Throws RangeError for a message that is cut off, SyntaxError for an unknown one. */
export function parseFromReceiver(message: Buffer): FromReceiver {
  switch (message[0]) {
    case 0x72:
      return {
        type: 'status',
        written: Number(message.readBigUInt64BE(1)),
        flushed: Number(message.readBigUInt64BE(9)),
        applied: Number(message.readBigUInt64BE(17)),
        wantsReply: message.readUInt8(33) === 1,
      }
    case 0x68:
      return { type: 'feedback', xmin: transactionAt(message, 9), catalogXmin: transactionAt(message, 17) }
    default:
      throw new SyntaxError(`a message of an unknown kind: ${message[0]}`)
  }
}

function transactionAt(message: Buffer, at: number): bigint {
  const number = BigInt(message.readUInt32BE(at))
  return number === 0n ? 0n : (BigInt(message.readUInt32BE(at + 4)) << 32n) | number
}
