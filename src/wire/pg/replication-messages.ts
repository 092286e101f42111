/**
 * What goes through a replication connection once it streams, inside of CopyData. Big-endian.
 *
 *   'w'  start of the data u64 · end of the server's log u64 · time i64 · data     server → us
 *   'k'  end of what was sent u64 · time i64 · answer at once u8                   server → us
 *   'r'  written u64 · flushed u64 · applied u64 · time i64 · answer at once u8    us → server
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
