/** A member in its folder, which is this process's alone, and between its connections and its readers. */
import { crc32 } from 'node:zlib'
import { assert } from '#base/assert.ts'
import { Trouble } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'
import { lockFolder, type FolderLock } from '#host/folder-lock.ts'
import { endOfTurn } from '#host/turn.ts'
import type { ObservedMember } from '#wire/lognode/messages.ts'
import type { History, Horizon, MemberId, Position } from '#wire/quorum/messages.ts'
import { createFolder } from '../member-folder.ts'
import type { MemberServer } from '../member-server.ts'
import { Member } from '../member.ts'
import type { LogDisk, MemberSurroundings } from '../ports.ts'
import { RevocableDisk } from './revocable-disk.ts'

export interface MemberDisk extends LogDisk {
  /** Nothing may be under way. */
  close(): void
}

export interface HomeOptions {
  readonly volume: string
  readonly member: MemberId
  /** There, and for this member alone. */
  readonly folder: string
  readonly openDisk: (folder: string) => MemberDisk
  readonly server: MemberServer
  readonly clock: Clock
  /** Where its log ends, or what its readers may see, is another. Often. */
  readonly onAdvanced: () => void
  /** What the readers of the volume on this host need. */
  readonly horizon: () => Horizon
  /** What was damaged on its disk is what it was again. */
  readonly onMended: (position: Position) => void
  /** It is no member any more, and has been put out of reach. Once. */
  readonly onFailed: (failure: MemberFailure) => void
}

export interface MemberFailure {
  readonly reason: string
  readonly error: Error | undefined
  /** What a failed sync left behind cannot be known. */
  readonly isSyncFailed: boolean
}

export class MemberHome {
  readonly options: HomeOptions
  private readonly lock: FolderLock
  private readonly files: MemberDisk
  private readonly disk: RevocableDisk
  private member: Member | undefined
  private creating: { reject(error: Error): void } | undefined
  private isOver = false

  /** Throws where another process has the folder. */
  constructor(options: HomeOptions) {
    this.options = options
    const lock = lockFolder(options.folder)
    if (!lock) throw new Trouble(`another process has ${options.folder}`, { culprit: 'us', retryable: true })
    this.lock = lock
    this.files = options.openDisk(options.folder)
    this.disk = new RevocableDisk(this.files)
  }

  /** Makes the member in the empty folder. On the disk when this resolves; rejects when the disk does not do that. */
  create(seed: { readonly start: Position; readonly history: History; readonly bytes: Buffer }): Promise<void> {
    const { volume, member: id } = this.options
    return new Promise((resolve, reject) => {
      this.creating = { reject }
      createFolder(this.surroundings(), { id, volume: crc32(volume), ...seed }, () => {
        this.creating = undefined
        resolve()
      })
    })
  }

  /** From now on it can be spoken to. Undefined: none is in the folder, or none any more, which `onFailed` has heard. */
  open(): Member | undefined {
    const { volume, member: id, server } = this.options
    const member = Member.open(this.surroundings())
    if (!member || this.isOver) return undefined
    this.member = member
    server.add(volume, id, member)
    return member
  }

  /** Undefined: it is not open. */
  get opened(): Member | undefined {
    return this.member
  }

  observed(): ObservedMember | undefined {
    const { volume, member: id } = this.options
    if (!this.member) return undefined
    const { promised, history, first, end, durable } = this.member
    return { volume, member: id, state: 'open', promised, history, first, end, durable }
  }

  /** Resolves when nothing here touches the folder any more, and others may have it. */
  async close(): Promise<void> {
    this.leave()
    await this.disk.revoke()
    this.files.close()
    this.lock.release()
  }

  private leave(): void {
    this.isOver = true
    this.options.server.drop(this.options.volume, this.options.member)
    void this.disk.revoke()
  }

  private surroundings(): MemberSurroundings {
    const { volume, member: id, server, clock, onAdvanced } = this.options
    return {
      disk: this.disk,
      clock,
      defer: endOfTurn,
      send: (session, message) => server.send(session, id, message),
      ask: (asked, message) => {
        assert(message.type === 'read', 'a member asks by reading')
        server.ask({ volume, asker: id, asked }, message, (piece) => this.member?.fetched(asked, piece))
      },
      peers: () => server.membersOf(volume),
      mended: (position) => this.options.onMended(position),
      close: (session) => server.close(session),
      horizon: this.options.horizon,
      advanced: onAdvanced,
      failed: (reason, error) => this.fail(reason, error),
    }
  }

  private fail(reason: string, error: Error | undefined): void {
    if (this.isOver) return
    this.leave()
    if (this.creating) this.creating.reject(new Error(reason, { cause: error }))
    else this.options.onFailed({ reason, error, isSyncFailed: this.disk.isSyncFailed })
  }
}
