/** The log of the model writer: records that say how long they are, who wrote them, and whether they are whole. */
import { crc32 } from 'node:zlib'

const HEADER_BYTES = 16

export interface LogRecord {
  /** Behind its last byte. */
  readonly end: number
  readonly epoch: number
  readonly id: number
}

/** length u32 · epoch u32 · id u32 · CRC-32 u32 · bytes that follow from the id. */
export function encodeRecord(epoch: number, id: number, bodyBytes: number): Buffer {
  const record = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes)
  record.writeUInt32LE(record.length, 0)
  record.writeUInt32LE(epoch, 4)
  record.writeUInt32LE(id, 8)
  for (let at = HEADER_BYTES; at < record.length; at++) record[at] = (id * 31 + at) & 0xff
  record.writeUInt32LE(checksum(record), 12)
  return record
}

/** The whole records of a log that begins with one at `from`; what follows the last of them is a piece of one. */
export function recordsOf(log: Buffer, from: number): LogRecord[] {
  const records: LogRecord[] = []
  for (let at = from; at + HEADER_BYTES <= log.length;) {
    const length = log.readUInt32LE(at)
    if (length < HEADER_BYTES || at + length > log.length) break
    const record = log.subarray(at, at + length)
    if (checksum(record) !== record.readUInt32LE(12)) break
    at += length
    records.push({ end: at, epoch: record.readUInt32LE(4), id: record.readUInt32LE(8) })
  }
  return records
}

const checksum = (record: Buffer): number => crc32(record.subarray(HEADER_BYTES), crc32(record.subarray(0, 12)))
