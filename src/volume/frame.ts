/**
 * How a member's log is on its disk.
 *
 *    0 magic u32 · 4 CRC-32 of all that follows u32 · 8 volume u32 · 12 length u32 · 16 epoch u32 · 20 zero u32 ·
 *   24 position u64 · 32 durable u64 · 40 synced u64 · 48 bytes
 *
 * Little-endian. A frame is whole when its checksum is right; what a crash has left half-written is not.
 */
import { crc32 } from 'node:zlib'
import type { Epoch, Position } from '#wire/quorum/messages.ts'

export const HEADER_BYTES = 48
const MAGIC = 0x31676c71
const MAGIC_BYTES = Buffer.from([0x71, 0x6c, 0x67, 0x31])
const CHECKED_FROM = 8
const TWO_32 = 2 ** 32

export interface Frame {
  readonly epoch: Epoch
  readonly position: Position
  readonly length: number
  readonly durable: Position
  /** The end of what was on disk when this was written. */
  readonly synced: Position
}

/** The header of a frame with these bytes. */
export function encodeHeader(volume: number, frame: Frame, bytes: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt32LE(volume, 8)
  header.writeUInt32LE(frame.length, 12)
  header.writeUInt32LE(frame.epoch, 16)
  header.writeUInt32LE(0, 20)
  writePosition(header, frame.position, 24)
  writePosition(header, frame.durable, 32)
  writePosition(header, frame.synced, 40)
  header.writeUInt32LE(crc32(bytes, crc32(header.subarray(CHECKED_FROM))), 4)
  return header
}

/** The whole frame at `offset`; undefined: there is none. */
export function decodeFrame(volume: number, file: Buffer, offset: number): Frame | undefined {
  if (offset + HEADER_BYTES > file.length || file.readUInt32LE(offset) !== MAGIC) return undefined
  const length = file.readUInt32LE(offset + 12)
  const end = offset + HEADER_BYTES + length
  if (file.readUInt32LE(offset + 8) !== volume || end > file.length) return undefined
  if (crc32(file.subarray(offset + CHECKED_FROM, end)) !== file.readUInt32LE(offset + 4)) return undefined
  return {
    length,
    epoch: file.readUInt32LE(offset + 16),
    position: readPosition(file, offset + 24),
    durable: readPosition(file, offset + 32),
    synced: readPosition(file, offset + 40),
  }
}

/** The first whole frame at `offset` or anywhere behind it. */
export function findFrame(volume: number, file: Buffer, from: number): { frame: Frame; offset: number } | undefined {
  for (let offset = from; ; offset++) {
    offset = file.indexOf(MAGIC_BYTES, offset)
    if (offset < 0) return undefined
    const frame = decodeFrame(volume, file, offset)
    if (frame) return { frame, offset }
  }
}

function writePosition(target: Buffer, position: Position, at: number): void {
  target.writeUInt32LE(position % TWO_32, at)
  target.writeUInt32LE(Math.floor(position / TWO_32), at + 4)
}

const readPosition = (from: Buffer, at: number): Position => from.readUInt32LE(at) + from.readUInt32LE(at + 4) * TWO_32
