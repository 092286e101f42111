/**
 * One copy of a volume's log, as a log node keeps it: what it promises, takes, cuts and shows. Rules and messages:
 * docs/protocol/quorum-log.md. Decides everything by itself, from messages and its disk; touches neither socket nor file.
 */
import type {
  Adopt,
  Append,
  Durable,
  Epoch,
  HeadMessage,
  History,
  MemberId,
  PeerMessage,
  Piece,
  Position,
  Read,
  Release,
  Repair,
  Seal,
} from '#wire/quorum/messages.ts'
import { commonEnd, endOfEpoch, epochAt, partOfLog } from './history.ts'
import { PIECE_BYTES_MAX, SYNC_SOON_MS } from './limits.ts'
import { openFolder, type FolderOptions, type MemberFolder } from './member-folder.ts'
import type { MemberLog } from './member-log.ts'
import type { MemberState } from './member-state.ts'
import { DamagedLog } from './placed-frames.ts'
import type { MemberSurroundings, SessionId } from './ports.ts'
import { Together } from './together.ts'
import { Upkeep } from './upkeep.ts'

export class Member {
  private readonly around: MemberSurroundings
  private readonly state: MemberState
  private readonly log: MemberLog
  /** The session of the head that has the promise. */
  private head: SessionId | undefined
  /** The epoch whose head has said which log this is to be a part of. Nothing is appended, and nothing durable, before. */
  private adopted: Epoch | undefined
  private durablePoint: Position
  private released: Release | undefined
  private repairing: Repair | undefined
  /** Appends that come in one turn are one sync, and one answer. */
  private readonly together: Together
  /** When the last bytes came, and whether a look is due at what has not been synced or noted. */
  private appendedAt = 0
  private isLookDue = false
  private isFailed = false
  private readonly upkeep: Upkeep

  /** What a process before has left; undefined: no member is there. Tells `failed` when what it had acknowledged is gone. */
  static open(around: MemberSurroundings, options: FolderOptions = {}): Member | undefined {
    const folder = openFolder(around, options)
    return folder && new Member(around, folder)
  }

  private constructor(around: MemberSurroundings, { state, log, durable }: MemberFolder) {
    this.around = around
    this.state = state
    this.log = log
    this.durablePoint = durable
    this.upkeep = new Upkeep({ around, log, state, fail: (reason) => this.fail(reason) })
    this.together = new Together(around.defer, (session, epoch) => this.syncAndTell(session, epoch))
  }

  get id(): MemberId {
    return this.state.record.id
  }

  get promised(): Epoch {
    return this.state.record.promised
  }

  get history(): History {
    return this.state.record.history
  }

  /** Everything before it is on the disk here. */
  get end(): Position {
    return this.log.synced
  }

  get first(): Position {
    return this.log.first
  }

  get durable(): Position {
    return this.durablePoint
  }

  /** Up to where a reader may see the log. */
  shownTo(reader: string): Position {
    const { released } = this
    const mayHave =
      released?.epoch === this.promised && released.reader === reader
        ? Math.max(this.durablePoint, released.position)
        : this.durablePoint
    return Math.min(this.log.synced, mayHave)
  }

  /** Bytes of one epoch, of what is on the disk; undefined: there are none there. What may be seen: {@link shownTo}. */
  read(position: Position, bytesMax: number): { readonly epoch: Epoch; readonly bytes: Buffer } | undefined {
    try {
      return this.log.read(position, bytesMax)
    } catch (error) {
      if (!(error instanceof DamagedLog)) throw error
      this.upkeep.damagedAt(position, this.log.synced)
      return undefined
    }
  }

  /** Looks whether the next part of what it has is what was written, and mends what is not. To be called now and then. */
  scrub(): void {
    if (!this.isFailed) this.upkeep.turn(Math.min(this.durablePoint, this.log.synced))
  }

  /** Forgets what is before, in whole files, and is durable. That it does is kept first: a power cut may bring files back. */
  prune(before: Position): void {
    const start = this.log.startAround(Math.min(before, this.durablePoint))
    if (start > this.first) this.state.change({ start }, () => this.log.prune(start))
  }

  receive(session: SessionId, message: HeadMessage | PeerMessage): void {
    if (this.isFailed) return
    if (message.type === 'read') return this.answer(session, message)
    if (message.type === 'piece') return
    if (message.type === 'seal') return this.seal(session, message)
    if (message.epoch !== this.promised || session !== this.head) return this.refuse(session, message.epoch)
    switch (message.type) {
      case 'adopt':
        return this.adopt(session, message)
      case 'append':
        return this.append(session, message)
      case 'durable':
        return this.raiseDurable(message)
      case 'release':
        this.released = message
        return this.around.advanced()
      case 'repair':
        return this.repair(session, message)
      case 'ping':
        return this.around.send(session, { ...message, ...this.around.horizon(), type: 'pong' })
    }
  }

  closed(session: SessionId): void {
    if (this.head === session) this.head = undefined
  }

  /** The answer of a peer to what this member asked; undefined: there will be none. */
  fetched(from: MemberId, piece: Piece | undefined): void {
    if (this.isFailed || this.upkeep.fetched(from, piece)) return
    const { repairing, head } = this
    if (!repairing || repairing.from !== from || head === undefined) return
    const bytes = piece && partOfLog(this.history, this.log.written, piece)
    if (!bytes || !this.write(bytes, this.durablePoint)) return this.endRepair(head, repairing)
    if (this.log.written < repairing.position) this.fetchNext(repairing)
    else this.repairing = undefined
    this.syncAndTell(head, repairing.epoch)
  }

  private refuse(session: SessionId, epoch: Epoch): void {
    this.around.send(session, { type: 'refused', epoch, promised: this.promised })
  }

  /** The order of these steps is what makes a sealed log stay what it was said to be. */
  private seal(session: SessionId, { epoch }: Seal): void {
    if (epoch < this.promised) return this.refuse(session, epoch)
    if (this.head !== undefined && this.head !== session) this.around.close(this.head)
    this.head = session
    this.adopted = undefined
    this.repairing = undefined
    this.released = undefined
    // From here on nothing of another epoch is taken; what was taken is to be on the disk before it is told.
    this.state.set({ promised: epoch })
    this.log.sync(() => {
      this.state.keep(() => {
        if (this.head !== session || this.promised !== epoch) return
        const { history, end, first, durable } = this
        this.around.send(session, { type: 'sealed', epoch, history, end, first, durable })
      })
    })
  }

  private adopt(session: SessionId, { epoch, history }: Adopt): void {
    this.repairing = undefined
    this.upkeep.stop()
    const { written } = this.log
    // One that came in the place of another has no history yet, and may begin anywhere.
    const isNew = this.history.length === 0
    const common = isNew ? written : commonEnd(this.history, written, history)
    if (common === undefined) return this.fail('this is the log of another volume')
    if (common < written && common < this.durablePoint) return this.fail('a durable byte was to be cut')
    const last = history.at(-1)!.epoch
    this.log.cut(common)
    this.adopted = undefined
    this.state.change({ history }, () => {
      if (this.head !== session || this.promised !== epoch || this.history.at(-1)!.epoch !== last) return
      this.log.removeForgotten()
      this.adopted = epoch
      this.around.advanced()
      this.around.send(session, { type: 'adopted', epoch, last, end: this.log.synced })
    })
  }

  private append(session: SessionId, message: Append): void {
    const { epoch, durable, sync } = message
    const passed = this.log.written - message.position
    const isNext = this.adopted === epoch && passed >= 0
    const isNew = passed < message.bytes.length
    if (!isNext || (isNew && !this.write(message.bytes.subarray(passed), durable)))
      return this.around.send(session, { type: 'gap', epoch, end: this.log.written })
    this.raiseDurable(message)
    this.appendedAt = this.around.clock.monotonic()
    if (sync === 'now') this.together.ask(session, epoch)
    else this.lookSoon()
  }

  /** False: the disk is full, and nothing was taken. */
  private write(bytes: Buffer, durable: Position): boolean {
    const before = this.log.written
    // Padding may come first, of the epoch before.
    for (let from = 0; from < bytes.length; from = this.log.written - before) {
      const epoch = epochAt(this.history, this.log.written)!
      const room = endOfEpoch(this.history, epoch) - this.log.written
      if (!this.log.take(epoch, bytes.subarray(from, from + room), durable)) return this.log.written > before
    }
    return true
  }

  private raiseDurable({ epoch, durable }: Append | Durable): void {
    if (this.adopted !== epoch || durable <= this.durablePoint) return
    this.durablePoint = durable
    this.lookSoon()
    this.around.advanced()
  }

  private syncAndTell(session: SessionId, epoch: Epoch): void {
    if (this.isFailed) return
    const before = this.log.synced
    this.log.sync(() => {
      if (this.isFailed || this.promised !== epoch || this.head !== session) return
      this.around.send(session, { type: 'flushed', epoch, end: this.log.synced })
      if (this.log.synced > before) {
        this.around.advanced()
        this.lookSoon()
      }
    })
  }

  /** Syncs what nobody waits for, and once nothing comes any more, notes what the last frames could not say. */
  private lookSoon(): void {
    if (this.isLookDue) return
    this.isLookDue = true
    this.around.clock.after(SYNC_SOON_MS, () => {
      this.isLookDue = false
      if (this.isFailed) return
      const { head, promised } = this
      const isQuiet = this.around.clock.monotonic() - this.appendedAt >= SYNC_SOON_MS
      if (this.log.synced < this.log.written && head !== undefined) this.syncAndTell(head, promised)
      else if (isQuiet) this.noteQuietly()
      else this.lookSoon()
    })
  }

  private noteQuietly(): void {
    const epoch = epochAt(this.history, this.log.written - 1)
    if (epoch !== undefined && this.log.note(epoch, this.durablePoint)) this.log.sync(() => {})
  }

  private repair(session: SessionId, message: Repair): void {
    if (this.adopted !== message.epoch) return
    if (this.log.written >= message.position) return this.syncAndTell(session, message.epoch)
    this.repairing = message
    this.fetchNext(message)
  }

  private fetchNext({ from, position }: Repair): void {
    const bytesMax = Math.min(PIECE_BYTES_MAX, position - this.log.written)
    this.around.ask(from, { type: 'read', position: this.log.written, bytesMax })
  }

  private endRepair(session: SessionId, { epoch }: Repair): void {
    this.repairing = undefined
    this.around.send(session, { type: 'gap', epoch, end: this.log.written })
  }

  private answer(session: SessionId, { position, bytesMax }: Read): void {
    const found = this.read(position, Math.min(bytesMax, PIECE_BYTES_MAX))
    const { epoch, bytes } = found ?? { epoch: 0, bytes: Buffer.alloc(0) }
    this.around.send(session, { type: 'piece', position, dataEpoch: epoch, bytes })
  }

  private fail(reason: string, error?: Error): void {
    if (this.isFailed) return
    this.isFailed = true
    this.around.failed(reason, error)
  }
}
