/** Positions in PostgreSQL's log: bytes since its beginning. */
// PostgreSQL source: src/include/access/xlog_internal.h.
import { MIB } from '#base/bytes.ts'

/** What initdb makes by default, and all our clusters have. */
export const SEGMENT_BYTES = 16 * MIB

/** `0/1A2B3C4D`, as PostgreSQL writes it. */
export const lsnText = (lsn: bigint): string => `${hex(lsn >> 32n)}/${hex(lsn & 0xffffffffn)}`

export function parseLsn(text: string): bigint {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text)
  if (!match) throw new SyntaxError(`'${text}' is no position in the log`)
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)
}

/** Where the segment with the byte at `lsn` begins. */
export const segmentStart = (lsn: bigint): bigint => lsn - (lsn % BigInt(SEGMENT_BYTES))

/** Where the segment with the byte before `position` ends: a log that ends at a switch of segments is empty up to there. */
export const segmentEnd = (position: number): number => Math.ceil(position / SEGMENT_BYTES) * SEGMENT_BYTES

/** `000000010000000000000001`. */
export function segmentName(timeline: number, lsn: bigint): string {
  const padded = (value: bigint): string => hex(value).padStart(8, '0')
  return padded(BigInt(timeline)) + padded(lsn >> 32n) + padded((lsn & 0xffffffffn) / BigInt(SEGMENT_BYTES))
}

/** `00000002.history`. */
export const historyName = (timeline: number): string => `${hex(BigInt(timeline)).padStart(8, '0')}.history`

const hex = (value: bigint): string => value.toString(16).toUpperCase()
