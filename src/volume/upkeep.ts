/** A member looks after what it has on its disk: it checks it part by part, and gets from peers what is damaged. */
import { messageOf } from '#base/trouble.ts'
import type { MemberId, Piece, Position } from '#wire/quorum/messages.ts'
import { endOfEpoch, epochAt } from './history.ts'
import { MENDING_TURNS_MAX, PIECE_BYTES_MAX } from './limits.ts'
import type { MemberLog } from './member-log.ts'
import type { MemberState } from './member-state.ts'
import type { MemberSurroundings } from './ports.ts'
import { Scrub, framesFor, type Hole } from './scrub.ts'

interface UpkeepParts {
  readonly around: MemberSurroundings
  readonly log: MemberLog
  readonly state: MemberState
  /** The member cannot be one any more. */
  readonly fail: (reason: string) => void
}

interface Mending {
  readonly hole: Hole
  /** What was got of it, and what comes next. */
  readonly pieces: Buffer[]
  at: Position
  /** Those that were not asked yet, and who is. */
  readonly left: MemberId[]
  asked: MemberId | undefined
  /** Somebody could not be asked: it is tried again. */
  isUnsure: boolean
  turns: number
}

export class Upkeep {
  private readonly parts: UpkeepParts
  private readonly scrubbing: Scrub
  private mending: Mending | undefined

  constructor(parts: UpkeepParts) {
    this.parts = parts
    this.scrubbing = new Scrub(parts.around.disk, parts.state.record.volume, parts.log)
  }

  /** Checks the next part of what is before `end`, and begins to mend what is damaged there. To be called now and then. */
  turn(end: Position): void {
    if (this.mending && ++this.mending.turns <= MENDING_TURNS_MAX) return
    this.mending = undefined
    this.look(end)
  }

  /** A read has found it. */
  damagedAt(position: Position, end: Position): void {
    if (this.mending) return
    this.scrubbing.turnTo(position)
    // The place itself may be some parts behind: frames are found from the beginning of a file only.
    for (let parts = 0; parts < PARTS_AT_ONCE_MAX && !this.mending; parts++) this.look(end)
  }

  /** The log is to be another one: what is asked may be no part of it. */
  stop(): void {
    this.mending = undefined
  }

  /** True: that was the answer to what was asked here. */
  fetched(from: MemberId, piece: Piece | undefined): boolean {
    const { mending } = this
    if (!mending || mending.asked !== from || (piece && piece.position !== mending.at)) return false
    const { hole, pieces } = mending
    if (!piece) mending.isUnsure = true
    if (!piece || piece.bytes.length === 0 || piece.dataEpoch !== hole.epoch) this.askNext(mending)
    else {
      const bytes = piece.bytes.subarray(0, hole.until - mending.at)
      pieces.push(bytes)
      mending.at += bytes.length
      if (mending.at < hole.until) this.ask(mending, from)
      else this.mend(mending)
    }
    return piece !== undefined
  }

  private look(end: Position): void {
    const { around, state, fail } = this.parts
    try {
      const hole = this.scrubbing.next(end)
      if (!hole) return
      const left = around.peers().filter((peer) => peer !== state.record.id)
      this.mending = { hole, pieces: [], at: hole.from, left, asked: undefined, isUnsure: false, turns: 0 }
      if (!this.isOurs(hole)) return fail(`the log is damaged at ${hole.from}`)
      if (hole.from === hole.until) this.mend(this.mending)
      else this.askNext(this.mending)
    } catch (error) {
      fail(`a file of the log cannot be read: ${messageOf(error)}`)
    }
  }

  /** Bytes of its epoch at its place are the same wherever they are. */
  private isOurs({ epoch, from, until }: Hole): boolean {
    const { history } = this.parts.state.record
    return from === until || (epochAt(history, from) === epoch && until <= endOfEpoch(history, epoch))
  }

  private askNext(mending: Mending): void {
    const peer = mending.left.shift()
    if (peer !== undefined) return this.ask(mending, peer)
    // It is found again at the next turn.
    this.mending = undefined
    if (!mending.isUnsure) this.parts.fail(`the log is damaged at ${mending.hole.from}, and no peer has what was there`)
  }

  private ask(mending: Mending, peer: MemberId): void {
    mending.asked = peer
    const bytesMax = Math.min(PIECE_BYTES_MAX, mending.hole.until - mending.at)
    this.parts.around.ask(peer, { type: 'read', position: mending.at, bytesMax })
  }

  private mend({ hole, pieces }: Mending): void {
    const { log, around, state, fail } = this.parts
    this.mending = undefined
    const frames = framesFor(state.record.volume, hole, Buffer.concat(pieces))
    if (!frames) return fail(`the log is damaged at ${hole.from}`)
    // Where there is no room for it, it is found again.
    if (log.overwrite(hole, frames)) log.sync(() => around.mended(hole.from))
  }
}

/** Of a file, all of them. */
const PARTS_AT_ONCE_MAX = 1_000
