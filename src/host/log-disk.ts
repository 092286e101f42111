/**
 * The folder of one member of a quorum log, for who cannot wait for a promise at every step: reads and writes are system
 * calls of microseconds into the page cache, on descriptors that stay open. What waits for the disk does so in Node's
 * I/O threads, and calls back.
 *
 * Every file has at most one sync under way. Those that are asked for meanwhile are one more, together: whoever writes
 * faster than the disk syncs has fewer syncs, not a queue of them.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { codeOf, syncPath } from './disk.ts'
import { LOG_FILES_OPEN_MAX, ZEROS_BYTES } from './limits.ts'
import { syncFile } from './sync-file.ts'

export type Done = (error?: Error) => void

interface OpenFile {
  readonly fd: number
  /** Something was written that no sync has covered. */
  isDirty: boolean
  /** Its name may not be on the disk yet. */
  isNew: boolean
  /** Whose sync is under way; undefined: none is. */
  syncing: Done[] | undefined
  /** Who asked while it was. */
  waiting: Done[]
  isRemoved: boolean
}

interface Placing {
  readonly fill: (file: fs.promises.FileHandle) => Promise<void>
  /** The one that was asked for before it under the same name. */
  readonly before: Promise<void> | undefined
}

/** Of files that are being made. Nobody sees them under these names, and the next who opens the folder removes them. */
const DRAFT = '.draft-'

const ZEROS = Buffer.alloc(ZEROS_BYTES)

/** The last of the files that are being filled in this process, of all folders. */
let filling: Promise<void> = Promise.resolve()

/**
 * One file after the other: all members of a volume need a new one at the same moment, and what is written here stands
 * before their syncs at the disk. Measured with six of 16 MiB on one disk: a sync beside them takes 9 ms (p50) when they
 * are filled at once and synced at their end, and 0.2 ms when in turn and in pieces.
 */
function inTurn(fill: () => Promise<void>): Promise<void> {
  const filled = filling.then(fill)
  filling = filled.catch(() => {})
  return filled
}

async function fillWithZeros(file: fs.promises.FileHandle, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += ZEROS.length) {
    await file.write(ZEROS, 0, Math.min(ZEROS.length, bytes - at), at)
    await file.datasync()
  }
}

export class FolderLogDisk {
  private readonly folder: string
  private readonly filesMax: number
  /** Least recently used first. */
  private readonly open = new Map<string, OpenFile>()
  private drafts = 0
  private readonly placing = new Map<string, Promise<void>>()
  /** After a failed sync nobody knows what is on the disk: it stays failed, as the kernel forgets what it lost. */
  private failure: Error | undefined

  /** The folder must exist, and be ours alone: folder-lock.ts. */
  constructor(folder: string, filesMax = LOG_FILES_OPEN_MAX) {
    this.folder = folder
    this.filesMax = filesMax
    for (const name of fs.readdirSync(folder)) if (name.startsWith(DRAFT)) fs.unlinkSync(this.path(name))
  }

  names(): string[] {
    return fs
      .readdirSync(this.folder)
      .filter((name) => !name.startsWith('.'))
      .sort()
  }

  load(name: string): Buffer | undefined {
    try {
      return fs.readFileSync(this.path(name))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  read(name: string, offset: number, count: number): Buffer {
    const { fd } = this.file(name, 'r+')
    const bytes = Buffer.allocUnsafe(count)
    let done = 0
    while (done < count) {
      const more = fs.readSync(fd, bytes, done, count - done, offset + done)
      if (more === 0) break
      done += more
    }
    return bytes.subarray(0, done)
  }

  write(name: string, offset: number, bytes: Uint8Array): void {
    const file = this.fileToWrite(name)
    // Before the write: also one that fails may have changed something.
    file.isDirty = true
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(file.fd, bytes, done, bytes.length - done, offset + done)
  }

  sync(name: string, done: Done): void {
    const file = this.file(name, 'r+')
    if (this.failure !== undefined) return void setImmediate(() => done(this.failure))
    file.waiting.push(done)
    if (file.syncing === undefined) this.startSync(file)
  }

  replace(name: string, bytes: Uint8Array, done: Done): void {
    this.place(name, done, (file) => file.writeFile(bytes))
  }

  allocate(name: string, bytes: number, done: Done): void {
    this.place(name, done, (file) => inTurn(() => fillWithZeros(file, bytes)))
  }

  remove(name: string): void {
    fs.rmSync(this.path(name), { force: true })
    this.forget(name)
  }

  /** Nothing may be under way. */
  close(): void {
    for (const { fd } of this.open.values()) fs.closeSync(fd)
    this.open.clear()
  }

  private path(name: string): string {
    return join(this.folder, name)
  }

  /** Fills a file that nobody sees yet, and puts it where the name is. */
  private place(name: string, done: Done, fill: Placing['fill']): void {
    const draft = this.path(`${DRAFT}${this.drafts++}`)
    const before = this.placing.get(name)
    const placed = this.fillAndRename(draft, name, { fill, before })
    this.placing.set(name, placed)
    const finish = (error?: Error): void => {
      if (this.placing.get(name) === placed) this.placing.delete(name)
      done(error)
    }
    placed.then(() => finish(), finish)
  }

  private async fillAndRename(draft: string, name: string, { fill, before }: Placing): Promise<void> {
    try {
      const file = await fs.promises.open(draft, 'wx', 0o600)
      try {
        await fill(file)
        await file.sync()
      } finally {
        await file.close()
      }
      // The last one that was asked for is the one that stays.
      await before?.catch(() => {})
      await fs.promises.rename(draft, this.path(name))
    } catch (error) {
      await fs.promises.rm(draft, { force: true })
      throw error
    }
    // What is open under this name is the file before.
    this.forget(name)
    await syncPath(this.folder)
  }

  private forget(name: string): void {
    const file = this.open.get(name)
    if (!file) return
    this.open.delete(name)
    file.isRemoved = true
    if (file.syncing === undefined) fs.closeSync(file.fd)
  }

  private fileToWrite(name: string): OpenFile {
    try {
      return this.file(name, 'r+')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      const file = this.file(name, 'wx+')
      file.isNew = true
      return file
    }
  }

  private file(name: string, flags: 'r+' | 'wx+'): OpenFile {
    const open = this.open.get(name)
    if (open) {
      // Only where something has to give way does the order matter.
      if (this.open.size >= this.filesMax) {
        this.open.delete(name)
        this.open.set(name, open)
      }
      return open
    }
    const fd = fs.openSync(this.path(name), flags, 0o600)
    this.makeRoom()
    const file: OpenFile = { fd, isDirty: false, isNew: false, syncing: undefined, waiting: [], isRemoved: false }
    this.open.set(name, file)
    return file
  }

  /** A file with unsynced bytes keeps its descriptor: of a write that failed later only that one is sure to hear. */
  private makeRoom(): void {
    for (const [name, file] of this.open) {
      if (this.open.size < this.filesMax) return
      if (file.isDirty || file.syncing !== undefined) continue
      this.open.delete(name)
      fs.closeSync(file.fd)
    }
  }

  private startSync(file: OpenFile): void {
    const asked = file.waiting
    file.waiting = []
    file.syncing = asked
    file.isDirty = false
    const synced = (error?: Error): void => this.synced(file, error)
    if (!file.isNew) return syncFile(file.fd, synced)
    file.isNew = false
    syncFile(file.fd, (error) => {
      if (error) return synced(error)
      syncPath(this.folder).then(() => synced(), synced)
    })
  }

  private synced(file: OpenFile, error?: Error): void {
    const asked = file.syncing!
    file.syncing = undefined
    this.failure ??= error
    // The disk works while those who asked do.
    if (this.failure !== undefined) asked.push(...file.waiting.splice(0))
    else if (file.waiting.length > 0) this.startSync(file)
    if (file.isRemoved && file.syncing === undefined) fs.closeSync(file.fd)
    for (const done of asked) done(this.failure)
  }
}
