/** A log node: the process of one host with the members of it, and what it does for them and for those who follow. */
import { commonEnd } from '#volume/history.ts'
import { NO_HORIZON } from '#volume/horizons.ts'
import { Member } from '#volume/member.ts'
import { createFolder, type MemberSeed } from '#volume/member-folder.ts'
import type { MemberSurroundings, SessionId } from '#volume/ports.ts'
import type { HeadMessage, History, MemberId, MemberMessage, PeerMessage, Piece } from '#wire/quorum/messages.ts'
import type { SeededRandom } from '../support/random.ts'
import type { End, Hears } from './network.ts'
import type { SimulatedNetwork } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import { SimulatedProcess } from './scheduler.ts'
import { SimulatedDisk } from './simulated-disk.ts'

/** Of a file of a member's log: so small that there are many. */
const FILE_BYTES = 4096

/** So often that damage is found before a run is over. */
const SCRUB_EVERY_MS = 50

/** Of one answer to a reader. */
const FED_BYTES_MAX = 2048

/** From a log node to those who follow a member of it. */
export type Fed =
  | { readonly type: 'bytes'; readonly position: number; readonly epoch: number; readonly bytes: Buffer }
  /** This is not the log that the reader has, and a later one. */
  | { readonly type: 'diverged' }

export interface Follow {
  readonly reader: string
  readonly history: History
  readonly position: number
}

type ToPeer = MemberMessage | PeerMessage

/** What a log node wants of the world around it. */
export interface NodeSurroundings {
  readonly scheduler: Scheduler
  readonly network: SimulatedNetwork
  readonly random: SeededRandom
  /** Where a member is; undefined: it is nowhere, or does not run. */
  find(member: MemberId): Seat | undefined
  /** All members that a change of them has left. */
  peers(): readonly MemberId[]
  /** What was damaged on a member's disk is what it was. */
  mended(member: MemberId): void
  /** Whether a follower is fed beyond what its member shows: a mistake that the checkers must find. */
  readonly feedsTooMuch: boolean
  /** Wraps what a member gets, to make mistakes in its place. */
  around(surroundings: MemberSurroundings): MemberSurroundings
  broken(process: SimulatedProcess, error: Error): void
  /** The member will not come back. */
  lost(member: MemberId, reason: string): void
}

/** The place of one member on its log node, over all its processes. */
export class Seat {
  readonly id: MemberId
  readonly node: LogNode
  readonly disk: SimulatedDisk
  member: Member | undefined
  isLost = false
  private readonly seed: MemberSeed
  private readonly ends = new Map<SessionId, End<ToPeer>>()
  private readonly asking = new Map<MemberId, End<PeerMessage>>()
  private readonly followers = new Set<Follower>()
  private feedIsDue = false

  constructor(seed: MemberSeed, node: LogNode, disk: SimulatedDisk) {
    this.id = seed.id
    this.seed = seed
    this.node = node
    this.disk = disk
  }

  /** Takes up what its folder has; makes the member where there is none yet. */
  open(process: SimulatedProcess): void {
    this.disk.ownedBy(process)
    this.forget()
    const around = this.surroundings(process)
    const member = Member.open(around, { fileBytes: FILE_BYTES })
    if (this.isLost) return
    this.member = member
    if (!member) createFolder(around, this.seed, () => (this.member = Member.open(around, { fileBytes: FILE_BYTES })))
  }

  /** The process is gone that it was in. */
  forget(): void {
    this.member = undefined
    this.feedIsDue = false
    this.ends.clear()
    this.asking.clear()
    this.followers.clear()
  }

  /** It is no member any more. */
  leave(): void {
    this.isLost = true
    this.member = undefined
    for (const end of [...this.ends.values(), ...this.asking.values()]) end.close()
    for (const follower of this.followers) follower.leave()
    this.forget()
  }

  /** A session of a head or a peer with this member. */
  accept(end: End<ToPeer>): Hears<HeadMessage | PeerMessage> {
    this.ends.set(end.session, end)
    return {
      received: (message) => this.member?.receive(end.session, message),
      closed: () => {
        this.ends.delete(end.session)
        this.member?.closed(end.session)
      },
    }
  }

  follow(end: End<Fed>, asked: Follow): Hears<never> {
    const follower = new Follower(this, end, asked)
    this.followers.add(follower)
    this.node.process?.run(() => follower.feed())
    return { received: () => {}, closed: () => this.followers.delete(follower) }
  }

  unfollow(follower: Follower): void {
    this.followers.delete(follower)
  }

  get feedsTooMuch(): boolean {
    return this.node.around.feedsTooMuch
  }

  surroundings(process: SimulatedProcess): MemberSurroundings {
    const { around } = this.node
    const deferred: (() => void)[] = []
    return around.around({
      disk: this.disk,
      clock: process.clock,
      defer: (run) => {
        deferred.push(run)
        if (deferred.length === 1) process.after(0, () => deferred.splice(0).forEach((one) => one()))
      },
      send: (session, message) => this.ends.get(session)?.send(message),
      ask: (member, message) => this.ask(process, member, message),
      peers: () => around.peers(),
      mended: () => around.mended(this.id),
      close: (session) => {
        this.ends.get(session)?.close()
        this.ends.delete(session)
      },
      horizon: () => NO_HORIZON,
      advanced: () => this.feedAll(process),
      failed: (reason, error) => {
        this.leave()
        around.lost(this.id, error ? `${reason}: ${error.message}` : reason)
      },
    })
  }

  private feedAll(process: SimulatedProcess): void {
    if (this.feedIsDue || this.followers.size === 0) return
    this.feedIsDue = true
    process.after(1, () => {
      this.feedIsDue = false
      for (const follower of this.followers) follower.feed()
    })
  }

  private ask(process: SimulatedProcess, peer: MemberId, message: PeerMessage): void {
    const end = this.asking.get(peer) ?? this.connect(process, peer)
    if (end) end.send(message)
    else process.after(5, () => this.member?.fetched(peer, undefined))
  }

  private connect(process: SimulatedProcess, peer: MemberId): End<PeerMessage> | undefined {
    const { around } = this.node
    const seat = around.find(peer)
    if (!seat?.member || !seat.node.process) return undefined
    const ways = around.network.open<PeerMessage, ToPeer>(
      { process, host: this.id },
      { process: seat.node.process, host: seat.id },
    )
    if (!ways) return undefined
    this.asking.set(peer, ways.a)
    const over = (): void => {
      if (this.asking.get(peer) !== ways.a) return
      this.asking.delete(peer)
      this.member?.fetched(peer, undefined)
    }
    ways.hear({ received: (piece) => this.member?.fetched(peer, piece as Piece), closed: over }, seat.accept(ways.b))
    return ways.a
  }
}

/** A reader as its log node sees it. */
class Follower {
  private readonly seat: Seat
  private readonly end: End<Fed>
  private readonly reader: string
  private history: History
  private position: number

  constructor(seat: Seat, end: End<Fed>, { reader, history, position }: Follow) {
    this.seat = seat
    this.end = end
    this.reader = reader
    this.history = history
    this.position = position
  }

  /** Sends what may be seen, and stops where its own log and the member's part. */
  feed(): void {
    const { member } = this.seat
    if (!member) return
    const theirs = member.history
    const common =
      this.position === this.startOf(theirs) ? this.position : commonEnd(this.history, this.position, theirs)
    if (common === undefined || common < this.position) return this.part(theirs)
    const limit = this.seat.feedsTooMuch ? member.end : member.shownTo(this.reader)
    while (this.position < limit) {
      const found = member.read(this.position, Math.min(FED_BYTES_MAX, limit - this.position))
      if (!found) return this.leave()
      const { epoch, bytes } = found
      this.end.send({ type: 'bytes', position: this.position, epoch, bytes })
      if (this.history.at(-1)?.epoch !== epoch) this.history = [...this.history, { epoch, start: this.position }]
      this.position += bytes.length
    }
  }

  private startOf(history: History): number | undefined {
    return history[0]?.start
  }

  leave(): void {
    this.end.close()
  }

  private part(theirs: History): void {
    const [mine, other] = [this.history.at(-1)?.epoch ?? 0, theirs.at(-1)?.epoch ?? 0]
    if (other > mine) this.end.send({ type: 'diverged' })
    this.end.close()
    this.seat.unfollow(this)
  }
}

export class LogNode {
  readonly host: string
  readonly around: NodeSurroundings
  readonly seats = new Map<MemberId, Seat>()
  process: SimulatedProcess | undefined
  private starts = 0

  constructor(host: string, around: NodeSurroundings) {
    this.host = host
    this.around = around
    this.start()
  }

  start(): void {
    if (this.process) return
    const { scheduler, broken } = this.around
    const process = new SimulatedProcess(`log node ${this.host}${this.starts++}`, scheduler, broken)
    this.process = process
    for (const seat of this.seats.values()) if (!seat.isLost) process.run(() => seat.open(process))
    this.scrub(process)
  }

  /** The members in turn. */
  private scrub(process: SimulatedProcess, turn = 0): void {
    process.after(SCRUB_EVERY_MS, () => {
      const seats = [...this.seats.values()]
      seats[turn % seats.length]?.member?.scrub()
      this.scrub(process, turn + 1)
    })
  }

  /** `power`: its disks keep only what was synced, and nobody tells the others. */
  end(how: 'kill' | 'power'): void {
    const { process } = this
    if (!process) return
    process.end()
    this.process = undefined
    this.around.network.ended(process, how === 'power')
    for (const seat of this.seats.values()) {
      seat.forget()
      if (how === 'power') seat.disk.powerCut()
    }
  }

  /** A new member in an empty folder; it is one once that is on the disk. */
  create(seed: MemberSeed): void {
    const { scheduler, random } = this.around
    const process = this.process ?? new SimulatedProcess('nobody', scheduler, this.around.broken)
    const seat = new Seat(seed, this, new SimulatedDisk(scheduler, random.fork(), process))
    this.seats.set(seed.id, seat)
    this.process?.run(() => seat.open(process))
  }
}
