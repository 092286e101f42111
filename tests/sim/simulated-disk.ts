/**
 * The folder of a member with what a disk does to it. What was written is in the page cache: a process that is killed
 * leaves it there, a power cut takes any part of it. What was synced stays, but for bits that flip.
 */
import type { LogDisk } from '#volume/ports.ts'
import type { SeededRandom } from '../support/random.ts'
import type { Scheduler, SimulatedProcess } from './scheduler.ts'

/** Of what a write that was not synced leaves a part. */
const SECTOR_BYTES = 512

const LATENCY_MS = [0.2, 2] as const
const SLOW_LATENCY_MS = [40, 900] as const

export type DiskTrouble = 'none' | 'slow' | 'full' | 'failing'

interface Write {
  readonly offset: number
  readonly bytes: Buffer
}

/** The content of a file of which most may be zeros that nobody stored. */
interface Image {
  bytes: Buffer
  size: number
}

interface File {
  readonly live: Image
  readonly durable: Image
  /** Oldest first. */
  unsynced: Write[]
  /** When how much of it was synced, for flips of what has been there for long. */
  readonly synced: { at: number; end: number }[]
}

export class SimulatedDisk implements LogDisk {
  trouble: DiskTrouble = 'none'
  /** It says that it has synced, and has not. */
  lies = false
  private isGone = false
  private readonly scheduler: Scheduler
  private readonly random: SeededRandom
  private owner: SimulatedProcess
  private live = new Map<string, File>()
  /** Names as they are after a power cut. */
  private durable = new Map<string, File>()
  /** When the last one that was asked for under a name comes to be: those of one name keep their order. */
  private readonly orderly = new Map<string, number>()
  /** Counts power cuts: what was on its way to the platter before one never arrives. */
  private cuts = 0

  constructor(scheduler: Scheduler, random: SeededRandom, owner: SimulatedProcess) {
    this.scheduler = scheduler
    this.random = random
    this.owner = owner
  }

  /** Another process has the folder from here on; what the last one was told is told to nobody. */
  ownedBy(owner: SimulatedProcess): void {
    this.owner = owner
  }

  names(): string[] {
    return [...this.live.keys()].sort()
  }

  load(name: string): Buffer | undefined {
    const file = this.live.get(name)
    return file && imageSlice(file.live, 0, file.live.size)
  }

  read(name: string, offset: number, count: number): Buffer {
    return imageSlice(this.existing(name).live, offset, count)
  }

  write(name: string, offset: number, bytes: Uint8Array): void {
    if (this.isGone) throw systemError('EIO')
    const file = this.live.get(name) ?? this.created(name)
    if (this.trouble === 'full' && this.random.chance(0.2)) {
      // Copy-on-write file systems refuse even what was allocated, and may have taken a part.
      this.put(file, offset, Buffer.from(bytes.subarray(0, this.random.between(0, bytes.length))))
      throw systemError('ENOSPC')
    }
    this.put(file, offset, Buffer.from(bytes))
  }

  sync(name: string, done: (error?: Error) => void): void {
    const { owner, cuts } = this
    if (this.isGone) return this.later(() => owner.run(() => done(systemError('EIO'))))
    const file = this.existing(name)
    const count = file.unsynced.length
    const writes = file.unsynced.slice(0, count)
    this.later(() => {
      if (this.cuts !== cuts) return
      if (this.trouble === 'failing') {
        // The pages count as clean from here on, although the disk never got them.
        file.unsynced = file.unsynced.filter((one) => !writes.includes(one))
        owner.run(() => done(systemError('EIO')))
        return
      }
      if (!this.lies) {
        for (const one of writes) this.settle(file, one)
        this.nameIsDurable(name, file)
      }
      owner.run(() => done())
    })
  }

  replace(name: string, bytes: Uint8Array, done: (error?: Error) => void): void {
    this.makeWhole(name, newFile(Buffer.from(bytes)), done)
  }

  allocate(name: string, bytes: number, done: (error?: Error) => void): void {
    this.makeWhole(name, newFile(Buffer.alloc(0), bytes), done)
  }

  remove(name: string): void {
    this.live.delete(name)
  }

  /** What was not synced is there, or not, or torn. */
  powerCut(): void {
    this.cuts++
    const left = new Map<string, File>()
    for (const name of new Set([...this.durable.keys(), ...this.live.keys()])) {
      const before = this.durable.get(name)
      const after = this.live.get(name)
      // A name that was made, replaced or removed without being synced: as it was before, or as it is.
      const file = before === after || this.random.chance(0.5) ? after : before
      if (file === undefined) continue
      this.tear(file)
      left.set(name, file)
    }
    this.live = left
    this.durable = new Map(left)
  }

  /** Everything is gone. */
  lose(): void {
    this.isGone = true
    this.cuts++
    this.live.clear()
    this.durable.clear()
  }

  /** Flips a bit of what was synced at least `ageMs` ago; false: there is nothing such. */
  flip(ageMs: number): boolean {
    const before = this.scheduler.now - ageMs
    const old = [...this.live.values()].flatMap((file) => {
      const end = file.synced.findLast(({ at }) => at <= before)?.end ?? 0
      return end > 0 ? [{ file, end }] : []
    })
    if (old.length === 0) return false
    const { file, end } = this.random.pick(old)
    const at = this.random.between(0, end - 1)
    const mask = 1 << this.random.between(0, 7)
    for (const image of [file.live, file.durable]) {
      if (at < image.bytes.length) image.bytes[at] = image.bytes[at]! ^ mask
    }
    return true
  }

  private existing(name: string): File {
    const file = this.live.get(name)
    if (file === undefined) throw systemError('ENOENT', name)
    return file
  }

  /** A file that grows as it is written; its name is durable with its first sync. */
  private created(name: string): File {
    if (this.trouble === 'full') throw systemError('ENOSPC', name)
    const file = newFile(Buffer.alloc(0))
    this.live.set(name, file)
    return file
  }

  private put(file: File, offset: number, bytes: Buffer): void {
    store(file.live, offset, bytes)
    file.unsynced.push({ offset, bytes })
  }

  private settle(file: File, one: Write): void {
    const at = file.unsynced.indexOf(one)
    if (at < 0) return
    file.unsynced.splice(at, 1)
    store(file.durable, one.offset, one.bytes)
    file.synced.push({ at: this.scheduler.now, end: one.offset + one.bytes.length })
  }

  /** A name for a file that is durable as a whole once `done` is called; before it, it is there or not. */
  private makeWhole(name: string, file: File, done: (error?: Error) => void): void {
    const { owner, cuts } = this
    const madeAt = Math.max(this.scheduler.now + this.latency(), this.orderly.get(name) ?? 0)
    this.orderly.set(name, madeAt)
    this.scheduler.after(madeAt - this.scheduler.now, () => {
      // The one who was to rename it is gone, or the disk under it.
      if (this.cuts !== cuts || !owner.alive) return
      if (this.trouble === 'full' || this.trouble === 'failing') {
        owner.run(() => done(systemError(this.trouble === 'full' ? 'ENOSPC' : 'EIO')))
        return
      }
      this.live.set(name, file)
      this.later(() => {
        if (this.cuts !== cuts) return
        this.nameIsDurable(name, file)
        const end = file.durable.bytes.length
        if (end > 0) file.synced.push({ at: this.scheduler.now, end })
        owner.run(() => done())
      })
    })
  }

  /** The folder is synced with it, so what was removed before is gone as well. */
  private nameIsDurable(name: string, file: File): void {
    if (this.durable.get(name) === file) return
    for (const other of this.durable.keys()) if (!this.live.has(other)) this.durable.delete(other)
    if (this.live.get(name) === file) this.durable.set(name, file)
  }

  private tear(file: File): void {
    for (const { offset, bytes } of file.unsynced) {
      const fate = this.random.between(0, 3)
      if (fate === 0) store(file.durable, offset, bytes)
      if (fate === 1) store(file.durable, offset, bytes.subarray(0, this.random.between(0, bytes.length)))
      if (fate === 2) this.tearBySectors(file, offset, bytes)
    }
    file.unsynced = []
    file.live.bytes = Buffer.from(file.durable.bytes)
    file.live.size = file.durable.size
  }

  private tearBySectors(file: File, offset: number, bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES))
      if (this.random.chance(0.5)) store(file.durable, offset + from, bytes.subarray(from, to))
      from = to
    }
  }

  private later(run: () => void): void {
    this.scheduler.after(this.latency(), run)
  }

  private latency(): number {
    const [from, to] = this.trouble === 'slow' ? SLOW_LATENCY_MS : LATENCY_MS
    return from + this.random.fraction() * (to - from)
  }
}

function newFile(bytes: Buffer, size: number = bytes.length): File {
  return { live: { bytes, size }, durable: { bytes: Buffer.from(bytes), size }, unsynced: [], synced: [] }
}

/** Of zeros that nobody stored at most a few: a read of them all would take most of the time of a simulation. */
const ZEROS_MAX = 64

function imageSlice({ bytes, size }: Image, offset: number, count: number): Buffer {
  const end = Math.min(size, offset + count, Math.max(offset, bytes.length) + ZEROS_MAX)
  if (end <= offset) return Buffer.alloc(0)
  const slice = Buffer.allocUnsafe(end - offset)
  const stored = Math.max(0, Math.min(end, bytes.length) - offset)
  if (stored > 0) bytes.copy(slice, 0, offset, offset + stored)
  slice.fill(0, stored)
  return slice
}

function store(image: Image, offset: number, bytes: Uint8Array): void {
  const end = offset + bytes.length
  if (end > image.bytes.length) {
    const grown = Buffer.alloc(Math.max(end, 2 * image.bytes.length, 4096))
    image.bytes.copy(grown)
    image.bytes = grown
  }
  image.bytes.set(bytes, offset)
  image.size = Math.max(image.size, end)
}

function systemError(code: string, what = 'simulated'): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
