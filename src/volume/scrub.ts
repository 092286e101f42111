/**
 * Looks whether what a member has on its disk is still what was written, part after part, for ever. What a read finds in
 * the page cache is what it sees, so a bit of the disk that flips under it is seen once the system has let go of it.
 */
import type { Epoch, Position } from '#wire/quorum/messages.ts'
import { HEADER_BYTES, decodeFrame, encodeHeader, findFrame } from './frame.ts'
import { FRAME_BYTES_MAX, LOG_FILE_BYTES, SCRUB_BYTES } from './limits.ts'
import type { LogDisk } from './ports.ts'
import type { LogExtent } from './scan.ts'

/** Frames of a file that cannot be read any more, between two that can. */
export interface Hole {
  readonly name: string
  readonly epoch: Epoch
  readonly offset: number
  /** Of the next frame that is whole, or is to be written; undefined: none follows in this file. */
  readonly nextOffset: number | undefined
  /** The bytes of the log that were there. */
  readonly from: Position
  readonly until: Position
}

export interface ScrubbedLog {
  readonly extents: readonly LogExtent[]
  /** Where the next frame goes, of the file that is written to. */
  nextOffset(name: string): number | undefined
}

export class Scrub {
  private readonly disk: LogDisk
  private readonly volume: number
  private readonly log: ScrubbedLog
  /** What is looked at next: the frame that begins at `offset`, with the byte at `position`. */
  private at = { name: '', offset: 0, position: 0 }

  constructor(disk: LogDisk, volume: number, log: ScrubbedLog) {
    this.disk = disk
    this.volume = volume
    this.log = log
  }

  /** The next part before `end`. A hole is found again until it is mended. Throws the system's errors. */
  next(end: Position): Hole | undefined {
    const extent = this.seek(end)
    if (!extent) return undefined
    const { at, disk, volume } = this
    const bytes = disk.read(at.name, at.offset, SCRUB_BYTES)
    const until = Math.min(extent.end, end)
    for (let offset = 0; at.position < until;) {
      const frame = decodeFrame(volume, bytes, offset)
      const isNext = frame?.position === at.position && frame.epoch === extent.epoch
      // The rest may be cut off by the end of what was read.
      if (!isNext) return offset === 0 ? this.holeIn(extent) : undefined
      offset += HEADER_BYTES + frame.length
      at.offset += HEADER_BYTES + frame.length
      at.position += frame.length
    }
    return undefined
  }

  /** Looks next at the file that has this byte. */
  turnTo(position: Position): void {
    const extent = this.log.extents.find(({ start, end }) => start <= position && position < end)
    if (extent) this.at = { name: extent.name, offset: 0, position: extent.start }
  }

  private seek(end: Position): LogExtent | undefined {
    const { at } = this
    const extents = this.log.extents.filter(({ start }) => start < end)
    const here = extents.find(({ name }) => name === at.name)
    if (here && at.position >= here.start && at.position < Math.min(here.end, end)) return here
    const next = extents.find(({ start }) => start >= at.position && start > (here?.start ?? -1)) ?? extents[0]
    if (next) this.at = { name: next.name, offset: 0, position: next.start }
    return next
  }

  private holeIn({ name, epoch, end }: LogExtent): Hole {
    const { offset, position: from } = this.at
    const hole = { name, epoch, offset, from }
    const rest = this.disk.read(name, offset, Math.max(LOG_FILE_BYTES, HEADER_BYTES + FRAME_BYTES_MAX))
    for (let found = findFrame(this.volume, rest, 1); found; found = findFrame(this.volume, rest, found.offset + 1)) {
      const { frame } = found
      if (frame.epoch !== epoch || frame.position < from) continue
      if (frame.position < end) return { ...hole, nextOffset: offset + found.offset, until: frame.position }
      break
    }
    return { ...hole, nextOffset: this.log.nextOffset(name), until: end }
  }
}

/** What is to be written over a hole, with the bytes that were there. Undefined: it cannot be, as not so many frames were there. */
export function framesFor(volume: number, hole: Hole, bytes: Buffer): Buffer | undefined {
  const { epoch, from, offset, nextOffset } = hole
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) pieces.push(bytes.subarray(at, at + FRAME_BYTES_MAX))
  if (nextOffset !== undefined) {
    const headers = (nextOffset - offset - bytes.length) / HEADER_BYTES
    if (!Number.isInteger(headers) || headers < Math.max(pieces.length, 1)) return undefined
    // Frames without bytes take the room of the headers that are not needed.
    while (pieces.length < headers) pieces.push(Buffer.alloc(0))
  }
  let position = from
  return Buffer.concat(
    pieces.flatMap((piece) => {
      // What these said of the durable point, later ones have said again; all before the hole is on the disk.
      const frame = { epoch, position, length: piece.length, durable: 0, synced: position }
      position += piece.length
      return [encodeHeader(volume, frame, piece), piece]
    }),
  )
}
