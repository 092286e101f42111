/** The log of one member on its disk: written at its end, read anywhere, cut by the history. Format: frame.ts. */
import { isDiskFull } from '#host/disk.ts'
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { HEADER_BYTES, encodeHeader } from './frame.ts'
import { FRAME_BYTES_MAX, LOG_FILE_BYTES } from './limits.ts'
import { PlacedFrames } from './placed-frames.ts'
import type { LogDisk } from './ports.ts'
import type { Hole } from './scrub.ts'
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

const nameOf = (ordinal: number): string => `${ordinal.toString(16).padStart(12, '0')}.log`
const isLogFile = (name: string): boolean => /^[0-9a-f]{12}\.log$/.test(name)

export class MemberLog {
  private readonly options: MemberLogOptions
  private readonly fileBytes: number
  /** What is part of the log, oldest first: each continues where the one before ends. */
  private parts: LogExtent[]
  private readonly frames: PlacedFrames
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
    this.frames = new PlacedFrames({ disk: options.disk, volume: options.volume, fileBytes: this.fileBytes })
    this.start = start
    this.parts = found.extents
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
    return this.parts[0]?.start ?? this.start
  }

  /** The next bytes, all of one epoch. False: the disk is full, and nothing of them was taken; or it has failed. */
  take(epoch: Epoch, bytes: Buffer, durable: Position): boolean {
    const before = this.writtenEnd
    return this.tried(() => this.append(epoch, bytes, durable)) || this.writtenEnd > before
  }

  private append(epoch: Epoch, bytes: Buffer, durable: Position): void {
    for (let from = 0; from < bytes.length; from += FRAME_BYTES_MAX) {
      this.frame(epoch, bytes.subarray(from, from + FRAME_BYTES_MAX), durable)
    }
  }

  /** Puts on the disk, with the next sync, what was synced and what is durable, where no bytes follow that would say it. */
  note(epoch: Epoch, durable: Position): boolean {
    const isNew = this.noted.durable < durable || this.noted.synced < this.syncedEnd
    return isNew && this.tried(() => this.frame(epoch, Buffer.alloc(0), durable))
  }

  private tried(write: () => void): boolean {
    try {
      write()
      return true
    } catch (error) {
      if (!isDiskFull(error)) this.options.failed('the log could not be written', error as Error)
      return false
    }
  }

  /** What it has on the disk, oldest first. */
  get extents(): readonly LogExtent[] {
    return this.parts
  }

  nextOffset(name: string): number | undefined {
    return this.current?.name === name ? this.current.offset : undefined
  }

  /** Over what is damaged. On the disk with the next {@link sync}. False: the disk is full, or has failed. */
  overwrite({ name, offset }: Hole, frames: Buffer): boolean {
    // Where they are in this file is found anew.
    this.frames.forget(name)
    this.dirty.add(name)
    return this.tried(() => this.options.disk.write(name, offset, frames))
  }

  /** `done` when everything that is written now is on the disk. Those who wait together share one sync. */
  sync(done: () => void): void {
    this.waiting.push({ done })
    if (this.syncing === undefined) this.startSync()
  }

  /** Bytes of one epoch from `position` on, of what is on the disk. None: there are none, or not any more. Throws when they are damaged. */
  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer } | undefined {
    if (position >= this.syncedEnd) return undefined
    const extent = this.parts.find(({ start, end }) => start <= position && position < end)
    if (!extent) return undefined
    const bytes = this.frames.read(
      extent.name,
      position,
      Math.min(bytesMax, Math.min(extent.end, this.syncedEnd) - position),
    )
    return { epoch: extent.epoch, bytes }
  }

  /** What is beyond `end` is not part of the log any more. Its files go with {@link removeForgotten}, once nobody needs them. */
  cut(end: Position): void {
    this.writtenEnd = Math.min(this.writtenEnd, end)
    this.syncedEnd = Math.min(this.syncedEnd, end)
    if (this.syncing !== undefined) this.syncing = Math.min(this.syncing, end)
    this.parts = this.parts
      .filter(({ start }) => start < end)
      .map((extent) => ({ ...extent, end: Math.min(extent.end, end) }))
    this.current = undefined
  }

  removeForgotten(): void {
    const kept = new Set([...this.parts.map(({ name }) => name), this.current?.name, this.spare?.name])
    for (const name of this.options.disk.names()) {
      if (!isLogFile(name) || kept.has(name) || this.dirty.has(name)) continue
      this.frames.forget(name)
      this.options.disk.remove(name)
    }
  }

  /** Where the file begins that has this byte, or would have it. */
  startAround(position: Position): Position {
    return this.parts.findLast(({ start }) => start <= position)?.start ?? this.first
  }

  /** Nothing before `start`, where a file begins, is needed. */
  prune(start: Position): void {
    this.start = start
    this.parts = this.parts.filter((extent) => extent.start >= start)
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
    if (bytes.length > 0) this.frames.add(current.name, { position: frame.position, offset: current.offset })
    current.offset += size
    this.writtenEnd += bytes.length
    const last = this.parts.at(-1)
    if (last?.name === current.name) last.end = this.writtenEnd
    else this.parts.push({ name: current.name, epoch, start: frame.position, end: this.writtenEnd })
  }

  private fileFor(epoch: Epoch, size: number): { readonly name: string; readonly epoch: Epoch; offset: number } {
    const { current, spare } = this
    if (current?.epoch === epoch && current.offset + size <= this.fileBytes) return current
    const name = spare?.isReady ? spare.name : nameOf(this.nextOrdinal++)
    // Names are in the order in which files are begun: a spare that comes too late is none.
    this.spare = undefined
    this.current = { name, epoch, offset: 0 }
    this.frames.begin(name)
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
}
