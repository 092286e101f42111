/** Where the frames of a member's log are in its files, and what is in them. */
import type { Position } from '#wire/quorum/messages.ts'
import { HEADER_BYTES, decodeFrame } from './frame.ts'
import { FRAME_BYTES_MAX, PLACED_FILES_MAX } from './limits.ts'
import type { LogDisk } from './ports.ts'

interface Placed {
  readonly position: Position
  readonly offset: number
}

interface FrameFiles {
  readonly disk: LogDisk
  readonly volume: number
  readonly fileBytes: number
}

export class PlacedFrames {
  private readonly files: FrameFiles
  /** Of a few files: of those that are read. Of others it is found again. */
  private readonly placed = new Map<string, Placed[]>()
  /** The file that is written to. */
  private current: string | undefined

  constructor(files: FrameFiles) {
    this.files = files
  }

  /** A new file, which is written to from now on. */
  begin(name: string): void {
    this.current = name
    this.remember(name, [])
  }

  /** Another frame with bytes at the end of the file that is written to. */
  add(name: string, placed: Placed): void {
    this.placed.get(name)?.push(placed)
  }

  forget(name: string): void {
    this.placed.delete(name)
  }

  /** Bytes that are in this file. Throws {@link DamagedLog}. */
  read(name: string, position: Position, bytesMax: number): Buffer {
    const placed = this.placed.get(name) ?? this.place(name)
    const pieces: Buffer[] = []
    let got = 0
    for (let at = lastAtOrBefore(placed, position); got < bytesMax && at < placed.length; at++) {
      const bytes = this.readFrame(name, placed[at]!, placed[at + 1])
      const from = Math.max(position - placed[at]!.position, 0)
      pieces.push(bytes.subarray(from, from + bytesMax - got))
      got += pieces.at(-1)!.length
    }
    // It is known to be there: a frame before it cannot be read any more, so that its place is not known.
    if (got === 0) throw new DamagedLog(name, position)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  private readFrame(name: string, { offset, position }: Placed, next: Placed | undefined): Buffer {
    const count = (next ? next.position - position : FRAME_BYTES_MAX) + HEADER_BYTES
    const file = this.files.disk.read(name, offset, count)
    const frame = decodeFrame(this.files.volume, file, 0)
    if (frame?.position !== position) throw new DamagedLog(name, position)
    return file.subarray(HEADER_BYTES, HEADER_BYTES + frame.length)
  }

  /** Of a file that was written by a process before. */
  private place(name: string): Placed[] {
    // One frame may be longer than a file is meant to be.
    const file = this.files.disk.read(name, 0, Math.max(this.files.fileBytes, HEADER_BYTES + FRAME_BYTES_MAX))
    const placed: Placed[] = []
    for (let offset = 0; ;) {
      const frame = decodeFrame(this.files.volume, file, offset)
      if (!frame) break
      if (frame.length > 0) placed.push({ position: frame.position, offset })
      offset += HEADER_BYTES + frame.length
    }
    this.remember(name, placed)
    return placed
  }

  private remember(name: string, placed: Placed[]): void {
    this.placed.set(name, placed)
    for (const other of this.placed.keys()) {
      if (this.placed.size <= PLACED_FILES_MAX) break
      if (other !== this.current && other !== name) this.placed.delete(other)
    }
  }
}

/** What was on the disk is not what comes back. */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog'
  readonly position: Position

  constructor(file: string, position: Position) {
    super(`${file} is damaged at ${position}`)
    this.position = position
  }
}

function lastAtOrBefore(placed: readonly Placed[], position: Position): number {
  let [low, high] = [0, placed.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (placed[middle]!.position <= position) low = middle
    else high = middle - 1
  }
  return low
}
