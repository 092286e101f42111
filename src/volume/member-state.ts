/** What a member must not forget, in one small file that is replaced as a whole. */
import { crc32 } from 'node:zlib'
import { isDiskFull } from '#host/disk.ts'
import type { Epoch, History, MemberId, Position } from '#wire/quorum/messages.ts'
import type { LogDisk } from './ports.ts'

export interface MemberRecord {
  readonly id: MemberId
  readonly volume: number
  /** Nothing is taken from heads of earlier epochs. Never falls. */
  readonly promised: Epoch
  readonly history: History
  /** Where the log here begins. What the disk has of before is not part of it. */
  readonly start: Position
}

type Changes = Partial<Pick<MemberRecord, 'promised' | 'history' | 'start'>>

const NAME = 'member.json'

interface StateSurroundings {
  failed(error: Error): void
  /** Calls `run` after a while: the disk may have room then. */
  again(run: () => void): void
}

export class MemberState {
  private readonly disk: LogDisk
  private readonly around: StateSurroundings
  private present: MemberRecord
  private isKeeping = false
  private waiting: (() => void)[] = []

  private constructor(disk: LogDisk, present: MemberRecord, around: StateSurroundings) {
    this.disk = disk
    this.present = present
    this.around = around
  }

  static create(disk: LogDisk, record: MemberRecord, done: (error?: Error) => void): void {
    disk.replace(NAME, encode(record), done)
  }

  /** Undefined: there is no member. */
  static load(disk: LogDisk, around: StateSurroundings): MemberState | 'damaged' | undefined {
    const bytes = disk.load(NAME)
    const record = bytes && decode(bytes)
    if (!bytes) return undefined
    return record ? new MemberState(disk, record, around) : 'damaged'
  }

  /** What is to be true from now on; on the disk with {@link keep}. */
  get record(): MemberRecord {
    return this.present
  }

  set(changes: Changes): void {
    this.present = { ...this.present, ...changes }
  }

  /** Both: `done` when it is on the disk. */
  change(changes: Changes, done: () => void): void {
    this.set(changes)
    this.keep(done)
  }

  /** `done` when what is true now is on the disk. One at a time: a later state is never overwritten by an earlier one. */
  keep(done: () => void): void {
    this.waiting.push(done)
    if (!this.isKeeping) this.keepNext()
  }

  private keepNext(): void {
    const waiting = this.waiting
    this.waiting = []
    this.isKeeping = true
    this.disk.replace(NAME, encode(this.present), (error) => {
      this.isKeeping = false
      if (error && isDiskFull(error)) {
        // Nobody hears that it was kept before it is: what there was is as it was.
        this.waiting.unshift(...waiting)
        this.around.again(() => !this.isKeeping && this.keepNext())
        return
      }
      if (error) return this.around.failed(error)
      for (const done of waiting) done()
      if (this.waiting.length > 0 && !this.isKeeping) this.keepNext()
    })
  }
}

/** With the CRC-32 of the record's text, so that a bit that flipped is not taken for a promise. */
function encode(record: MemberRecord): Buffer {
  const text = JSON.stringify(record)
  return Buffer.from(`{"crc32":"${checksumOf(text)}","record":${text}}`)
}

function decode(bytes: Buffer): MemberRecord | undefined {
  const [, checksum, text = ''] = /^\{"crc32":"([0-9a-f]{8})","record":(.*)\}$/.exec(bytes.toString('utf8')) ?? []
  return checksum === checksumOf(text) ? (JSON.parse(text) as MemberRecord) : undefined
}

const checksumOf = (text: string): string => crc32(text).toString(16).padStart(8, '0')
