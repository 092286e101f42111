/**
 * What a crash has left of a member's log. Files are in order of their names; each was begun where the log ended then, so a
 * later one stands for all from its start on, and the history has the last word on where an epoch ends.
 */
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { HEADER_BYTES, decodeFrame, findFrame, type Frame } from './frame.ts'
import { LOG_FILE_BYTES } from './limits.ts'
import type { LogDisk } from './ports.ts'

/** A part of the log that is in one file. */
export interface LogExtent {
  readonly name: string
  readonly epoch: Epoch
  readonly start: Position
  end: Position
}

export interface Scanned {
  readonly extents: LogExtent[]
  /** The highest durable point that a frame has. */
  readonly durable: Position
  /** Everything before it was on the disk, by what a frame says. */
  readonly synced: Position
  readonly nextOrdinal: number
}

interface LogFile {
  readonly name: string
  /** The frame at its start; undefined: there is nothing, or nothing whole. */
  readonly head: Frame | undefined
}

/** A string: bytes that had been on the disk are gone. */
export function scanLog(
  disk: LogDisk,
  volume: number,
  { history, start }: { readonly history: History; readonly start: Position },
): Scanned | string {
  const names = disk.names().filter((name) => /^[0-9a-f]{12}\.log$/.test(name))
  const files = names.map((name): LogFile => ({ name, head: headOf(disk, volume, name) }))
  const trusted = trustedCount(files)
  const scan = new Scan(history, start)
  for (const { name, head } of files.slice(0, trusted)) {
    // One that was being made when a crash came, and was passed over by the next.
    if (!head && isUntouched(disk.read(name, 0, LOG_FILE_BYTES))) continue
    if (!head) return `${name} does not begin with a whole frame`
    if (!scan.begin(name, head)) return `there is a gap before ${name}`
    scan.close()
  }
  for (const { name } of files.slice(trusted)) scan.read(name, disk.read(name, 0, LOG_FILE_BYTES), volume)
  const last = names.at(-1)
  return scan.result(last === undefined ? 0 : Number.parseInt(last, 16) + 1)
}

/** Of how many files, from the first on, everything was on the disk when the next one was begun. */
function trustedCount(files: readonly LogFile[]): number {
  for (let at = files.length - 1; at > 0; at--) {
    const { head } = files[at]!
    if (head && head.synced >= head.position) return at
  }
  return 0
}

function headOf(disk: LogDisk, volume: number, name: string): Frame | undefined {
  const header = disk.read(name, 0, HEADER_BYTES)
  if (header.length < HEADER_BYTES) return undefined
  return decodeFrame(volume, disk.read(name, 0, HEADER_BYTES + header.readUInt32LE(12)), 0)
}

const isUntouched = (file: Buffer): boolean => file.every((byte) => byte === 0)

interface Damage {
  readonly at: Position
  readonly epoch: Epoch | undefined
  synced: Position
}

class Scan {
  private readonly history: History
  private extents: LogExtent[] = []
  private end: Position | undefined
  private readonly start: Position
  private durable = 0
  private synced = 0
  /** The first byte that is not there as it was written, and the highest end that was on the disk by what comes later. */
  private damage: Damage | undefined

  constructor(history: History, start: Position) {
    this.history = history
    this.start = start
  }

  /** A file whose first frame this is. False: it does not continue what is there. */
  begin(name: string, head: Frame): boolean {
    // Whatever is there of before was removed once, or was to be: some of it, or all.
    const isFirst = head.position <= this.start
    if (!isFirst && this.end !== undefined && head.position > this.end) return false
    this.extents = isFirst ? [] : this.extents.filter(({ start }) => start < head.position)
    const before = this.extents.at(-1)
    if (before) before.end = Math.min(before.end, head.position)
    this.extents.push({ name, epoch: head.epoch, start: head.position, end: head.position })
    this.end = head.position
    this.note(head)
    return true
  }

  /** Its end is where the next file begins. */
  close(): void {
    this.extents.at(-1)!.end = this.end = Infinity
  }

  read(name: string, file: Buffer, volume: number): void {
    let offset = 0
    for (;;) {
      const frame = decodeFrame(volume, file, offset)
      if (!frame || this.damage || !this.take(name, frame, offset === 0)) break
      offset += HEADER_BYTES + frame.length
    }
    // Whatever it began with is lost, also where nothing comes behind it that could be found.
    if (offset === 0 && !isUntouched(file)) this.damaged()
    for (let next = findFrame(volume, file, offset); next;) {
      const damage = this.damaged()
      damage.synced = Math.max(damage.synced, next.frame.synced)
      next = findFrame(volume, file, next.offset + HEADER_BYTES + next.frame.length)
    }
  }

  private damaged(): Damage {
    const end = this.end ?? this.start
    // What came back of before the log's beginning says nothing of where it ends.
    const last = end < this.start ? undefined : this.extents.at(-1)
    this.damage ??= { at: Math.max(end, this.start), epoch: last?.epoch, synced: 0 }
    return this.damage
  }

  private take(name: string, frame: Frame, isHead: boolean): boolean {
    if (isHead ? !this.begin(name, frame) : frame.position !== this.end) return false
    const extent = this.extents.at(-1)!
    if (frame.epoch !== extent.epoch) return false
    this.end = extent.end = frame.position + frame.length
    this.note(frame)
    return true
  }

  private note({ durable, synced }: Frame): void {
    this.durable = Math.max(this.durable, durable)
    this.synced = Math.max(this.synced, synced)
  }

  result(nextOrdinal: number): Scanned | string {
    const { damage } = this
    const needed = damage?.epoch === undefined ? Infinity : this.boundOf(damage.epoch)
    if (damage && damage.at < needed && damage.synced > damage.at) return `the log is damaged at ${damage.at}`
    const extents: LogExtent[] = []
    for (const extent of this.extents) {
      const end = Math.min(extent.end, this.boundOf(extent.epoch))
      if (extents.length > 0 && extent.start !== extents.at(-1)!.end) break
      if (end > extent.start) extents.push({ ...extent, end })
    }
    // Files of what was let go of may be back without the one where the log begins, of which nothing was synced.
    const isOfBefore = (extents.at(-1)?.end ?? 0) < this.start
    return { extents: isOfBefore ? [] : extents, durable: this.durable, synced: this.synced, nextOrdinal }
  }

  /** Where bytes of this epoch end; of one that is not in the history none are part of the log. */
  private boundOf(epoch: Epoch): Position {
    const at = this.history.findIndex((entry) => entry.epoch === epoch)
    return at < 0 ? 0 : (this.history[at + 1]?.start ?? Infinity)
  }
}
