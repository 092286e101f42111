/** What the quorum log needs of its surroundings. The log nodes have the real ones, `tests/sim/` the simulated ones. */
import type { Clock } from '#host/clock.ts'
import type {
  Configuration,
  Epoch,
  HeadMessage,
  History,
  Horizon,
  MemberId,
  MemberMessage,
  PeerMessage,
  Position,
} from '#wire/quorum/messages.ts'

/**
 * The folder of one member. Callbacks come later, never from within the call, in any order. Reads see everything that was
 * written; after a crash there is what was synced, and of the rest any part. Throws the system's errors.
 */
export interface LogDisk {
  /** All names, in order. */
  names(): string[]
  /** The whole of a small file; undefined: there is none. */
  load(name: string): Buffer | undefined
  /** Bytes [offset, offset + count) of a file; fewer at its end. */
  read(name: string, offset: number, count: number): Buffer
  /** Over what is there. Not durable before {@link sync}. */
  write(name: string, offset: number, bytes: Uint8Array): void
  /** When everything that was written to the file before this call is durable, and its name. An error is final for this member. */
  sync(name: string, done: (error?: Error) => void): void
  /** Puts a small file in the place of the old one: after a crash it is one of the two, whole. */
  replace(name: string, bytes: Uint8Array, done: (error?: Error) => void): void
  /** Makes a file of zeros, durable with its name, so that syncs of writes to it need not touch anything else. */
  allocate(name: string, bytes: number, done: (error?: Error) => void): void
  remove(name: string): void
}

/** A connection to a member's host or from one. Messages arrive in order, whole, or not at all. */
export type SessionId = number

/** What a member asks of the log node that it is in. */
export interface MemberSurroundings {
  readonly disk: LogDisk
  readonly clock: Clock
  /** Calls `run` once, when what is being worked on is done: before any time passes, after what came together. */
  defer(run: () => void): void
  /** To the head, or the member, whose session it is. Nothing happens where it is gone. */
  send(session: SessionId, message: MemberMessage | PeerMessage): void
  /** Asks another member of the volume; {@link Member.fetched} hears the answers, or that there will be none. */
  ask(member: MemberId, message: PeerMessage): void
  /** All members of the volume, as far as is known here. */
  peers(): readonly MemberId[]
  /** What was damaged on the disk at this place is what it was again. */
  mended(position: Position): void
  /** This session is over: nothing more is read from it. */
  close(session: SessionId): void
  /** What those need that read the volume's log here, now. */
  horizon(): Horizon
  /** Readers may see more now, or the history is another one. */
  advanced(): void
  /** The member cannot be one any more: its disk failed, or lost what it had promised to keep. */
  failed(reason: string, error?: Error): void
}

/** What a head asks of the process that it is in. */
export interface HeadSurroundings {
  readonly clock: Clock
  /** To those of the members that are connected; gives which. */
  send(members: readonly MemberId[], message: HeadMessage): void
  /** The longest log is on enough members: who becomes the writer may be fed up to there. Once. */
  recovered(log: RecoveredLog): void
  /** The durable point has moved: commits before it may be acknowledged. Rises. */
  durable(position: Position): void
  /** Something that this epoch wrote is durable, so all before it is: clients may come. Once. */
  opened(): void
  /** A configuration is in force: everything so far is where it has to be by it. */
  configured(generation: number): void
  /** The writer must end: another epoch has begun, or may have. Final. */
  fenced(reason: string): void
  /** Whether more of the writer's log is welcome. */
  flow(isOpen: boolean): void
}

export interface RecoveredLog {
  readonly end: Position
  readonly durable: Position
  readonly history: History
}

/** The rules that no acknowledged byte is lost by. Others are for the simulator, to see that it finds what they lose. */
export interface Rules {
  /** Copies that have a byte before it is acknowledged, of {@link COPIES}. */
  readonly write: number
  /** Copies that are asked what they have before a new epoch begins. */
  readonly seal: number
  /** Whether a log of a later epoch beats a longer one. */
  readonly comparesEpochs: boolean
  /** Whether bytes of earlier epochs are durable only together with one of this epoch. */
  readonly waitsForEpochStart: boolean
}

export const RULES: Rules = { write: 4, seal: 3, comparesEpochs: true, waitsForEpochStart: true }

/** Why a head is fenced that follows another volume's log: what is durable here is not in that. */
export const DIVERGED = 'diverged'

export interface HeadOptions {
  readonly epoch: Epoch
  readonly configuration: Configuration
  readonly rules?: Rules
  readonly leaseMs?: number
  /** How far a log goes that ends here, if the writer left the rest empty: members have not all of that. Absent: no further. */
  readonly paddedEnd?: (end: Position) => Position
  /** Of a head that comes back in its epoch: where the epoch of the writer begins, which runs already. */
  readonly writerStart?: Position
}

export type HeadPhase = 'sealing' | 'recovering' | 'ready' | 'leading' | 'open' | 'fenced'
