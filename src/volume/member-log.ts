/** The log of one member on its disk: written at its end, read anywhere, cut by the history. Format: frame.ts. */
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { HEADER_BYTES, decodeFrame, encodeHeader } from './frame.ts'
import { FRAME_BYTES_MAX, LOG_FILE_BYTES, PLACED_FILES_MAX } from './limits.ts'
import type { LogDisk } from './ports.ts'
import { scanLog, type LogExtent } from './scan.ts'

export interface MemberLogOptions {
  readonly disk: LogDisk
  /** Distinguishes frames of this volume from what a file may have held before. */
  readonly volume: number
  readonly fileBytes?: number
  /** A sync failed: what is on the disk cannot be known any more. */
  readonly failed: (reason: string, error?: Error) => void
}

/** What somebody waits for. */
interface Waiting {
  readonly done: () => void
}

/** Where a frame is in its file, for reading. */
interface Placed {
  readonly position: Position
  readonly offset: number
}

const nameOf = (ordinal: number): string => `${ordinal.toString(16).padStart(12, '0')}.log`
const isLogFile = (name: string): boolean => /^[0-9a-f]{12}\.log$/.test(name)

export class MemberLog {
  private readonly options: MemberLogOptions
  private readonly fileBytes: number
  /** What is part of the log, oldest first: each continues where the one before ends. */
  private extents: LogExtent[]
  private readonly placed = new Map<string, Placed[]>()
  /** The file that is written to, and where its next frame goes. */
  private current: { readonly name: string; readonly epoch: Epoch; offset: number } | undefined
  private nextOrdinal: number
  /** A file that is ready to be written to, or is being made so. */
  private spare: { readonly name: string; isReady: boolean } | undefined
  private readonly dirty = new Set<string>()
  private waiting: Waiting[] = []
  /** Up to where the sync that is under way reaches. */
  private syncing: Position | undefined
  private start: Position
  private writtenEnd: Position
  private syncedEnd: Position
  /** What the last frame says. */
  private noted: { durable: Position; synced: Position } = { durable: 0, synced: 0 }

  private constructor(
    options: MemberLogOptions,
    start: Position,
    found: { extents: LogExtent[]; synced: Position; nextOrdinal: number },
  ) {
    this.options = options
    this.fileBytes = options.fileBytes ?? LOG_FILE_BYTES
    this.start = start
    this.extents = found.extents
    this.nextOrdinal = found.nextOrdinal
    this.writtenEnd = found.extents.at(-1)?.end ?? start
    // A process that was killed leaves in the page cache what it did not sync: it can be read, and is not on the disk.
    this.syncedEnd = Math.max(start, Math.min(found.synced, this.writtenEnd))
    for (const { name, end } of found.extents) if (end > this.syncedEnd) this.dirty.add(name)
  }

  /**
   * Reads what a process before has left. `start`: of the oldest byte that may be there. A string: acknowledged bytes are
   * gone, and why that is known.
   */
  static open(
    options: MemberLogOptions,
    at: { readonly history: History; readonly start: Position },
  ): { readonly log: MemberLog; readonly durable: Position } | string {
    const scanned = scanLog(options.disk, options.volume, at)
    if (typeof scanned === 'string') return scanned
    const log = new MemberLog(options, at.start, scanned)
    log.removeForgotten()
    log.prepareSpare()
    log.sync(() => {})
    return { log, durable: scanned.durable }
  }

  /** Everything before it was written, and is there unless the machine or its disk fails. */
  get written(): Position {
    return this.writtenEnd
  }

  /** Everything before it is on the disk. */
  get synced(): Position {
    return this.syncedEnd
  }

  /** The oldest byte that is here. */
  get first(): Position {
    return this.extents[0]?.start ?? this.start
  }

  /** The next bytes, all of one epoch. Throws the disk's error, having written nothing that counts. */
  append(epoch: Epoch, bytes: Buffer, durable: Position): void {
    for (let from = 0; from < bytes.length; from += FRAME_BYTES_MAX) {
      this.frame(epoch, bytes.subarray(from, from + FRAME_BYTES_MAX), durable)
    }
  }

  /** Puts on the disk, with the next sync, what was synced and what is durable, where no bytes follow that would say it. */
  note(epoch: Epoch, durable: Position): boolean {
    const isNew = this.noted.durable < durable || this.noted.synced < this.syncedEnd
    if (isNew) this.frame(epoch, Buffer.alloc(0), durable)
    return isNew
  }

  /** `done` when everything that is written now is on the disk. Those who wait together share one sync. */
  sync(done: () => void): void {
    this.waiting.push({ done })
    if (this.syncing === undefined) this.startSync()
  }

  /** Bytes of one epoch from `position` on, of what is on the disk. None: there are none, or not any more. Throws when they are damaged. */
  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer } | undefined {
    if (position >= this.syncedEnd) return undefined
    const extent = this.extents.find(({ start, end }) => start <= position && position < end)
    if (!extent) return undefined
    const bytes = this.readExtent(extent, position, Math.min(bytesMax, Math.min(extent.end, this.syncedEnd) - position))
    return { epoch: extent.epoch, bytes }
  }

  /** What is beyond `end` is not part of the log any more. Its files go with {@link removeForgotten}, once nobody needs them. */
  cut(end: Position): void {
    this.writtenEnd = Math.min(this.writtenEnd, end)
    this.syncedEnd = Math.min(this.syncedEnd, end)
    if (this.syncing !== undefined) this.syncing = Math.min(this.syncing, end)
    this.extents = this.extents
      .filter(({ start }) => start < end)
      .map((extent) => ({ ...extent, end: Math.min(extent.end, end) }))
    this.current = undefined
  }

  removeForgotten(): void {
    const kept = new Set([...this.extents.map(({ name }) => name), this.current?.name, this.spare?.name])
    for (const name of this.options.disk.names()) {
      if (!isLogFile(name) || kept.has(name) || this.dirty.has(name)) continue
      this.placed.delete(name)
      this.options.disk.remove(name)
    }
  }

  /** Where the file begins that has this byte, or would have it. */
  startAround(position: Position): Position {
    return this.extents.findLast(({ start }) => start <= position)?.start ?? this.first
  }

  /** Nothing before `start`, where a file begins, is needed. */
  prune(start: Position): void {
    this.start = start
    this.extents = this.extents.filter((extent) => extent.start >= start)
    this.removeForgotten()
  }

  private frame(epoch: Epoch, bytes: Buffer, durable: Position): void {
    const size = HEADER_BYTES + bytes.length
    const current = this.fileFor(epoch, size)
    const frame = { epoch, position: this.writtenEnd, length: bytes.length, durable, synced: this.syncedEnd }
    const header = encodeHeader(this.options.volume, frame, bytes)
    this.options.disk.write(current.name, current.offset, bytes.length === 0 ? header : Buffer.concat([header, bytes]))
    this.dirty.add(current.name)
    this.noted = { durable, synced: frame.synced }
    if (bytes.length > 0) this.placed.get(current.name)?.push({ position: frame.position, offset: current.offset })
    current.offset += size
    this.writtenEnd += bytes.length
    const last = this.extents.at(-1)
    if (last?.name === current.name) last.end = this.writtenEnd
    else this.extents.push({ name: current.name, epoch, start: frame.position, end: this.writtenEnd })
  }

  private fileFor(epoch: Epoch, size: number): { readonly name: string; readonly epoch: Epoch; offset: number } {
    const { current, spare } = this
    if (current?.epoch === epoch && current.offset + size <= this.fileBytes) return current
    const name = spare?.isReady ? spare.name : nameOf(this.nextOrdinal++)
    // Names are in the order in which files are begun: a spare that comes too late is none.
    this.spare = undefined
    this.remember(name, [])
    this.current = { name, epoch, offset: 0 }
    this.prepareSpare()
    return this.current
  }

  private prepareSpare(): void {
    if (this.spare) return
    const spare = { name: nameOf(this.nextOrdinal++), isReady: false }
    this.spare = spare
    this.options.disk.allocate(spare.name, this.fileBytes, (error) => {
      if (this.spare !== spare) this.options.disk.remove(spare.name)
      // Without one, files grow as they are written: slower, and a full disk is met there.
      else if (error) this.spare = undefined
      else spare.isReady = true
    })
  }

  private startSync(): void {
    const waiting = this.waiting
    this.waiting = []
    this.syncing = this.writtenEnd
    const names = [...this.dirty]
    this.dirty.clear()
    let left = names.length
    const finish = (): void => {
      this.syncedEnd = Math.max(this.syncedEnd, Math.min(this.syncing!, this.writtenEnd))
      this.syncing = undefined
      for (const { done } of waiting) done()
      if (this.waiting.length > 0 && this.syncing === undefined) this.startSync()
    }
    if (left === 0) return finish()
    for (const name of names) {
      this.options.disk.sync(name, (error) => {
        if (error) return this.options.failed('a sync of the log failed', error)
        if (--left === 0) finish()
      })
    }
  }

  private readExtent({ name }: LogExtent, position: Position, bytesMax: number): Buffer {
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
    const file = this.options.disk.read(name, offset, count)
    const frame = decodeFrame(this.options.volume, file, 0)
    if (frame?.position !== position) throw new DamagedLog(name, position)
    return file.subarray(HEADER_BYTES, HEADER_BYTES + frame.length)
  }

  /** Of a file that was written by a process before. */
  private place(name: string): Placed[] {
    // One frame may be longer than a file is meant to be.
    const file = this.options.disk.read(name, 0, Math.max(this.fileBytes, HEADER_BYTES + FRAME_BYTES_MAX))
    const placed: Placed[] = []
    for (let offset = 0; ;) {
      const frame = decodeFrame(this.options.volume, file, offset)
      if (!frame) break
      if (frame.length > 0) placed.push({ position: frame.position, offset })
      offset += HEADER_BYTES + frame.length
    }
    this.remember(name, placed)
    return placed
  }

  /** Of a few files: of those that are read. Of others it is found again. */
  private remember(name: string, placed: Placed[]): void {
    this.placed.set(name, placed)
    for (const other of this.placed.keys()) {
      if (this.placed.size <= PLACED_FILES_MAX) break
      if (other !== this.current?.name && other !== name) this.placed.delete(other)
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
