/** What heads and log nodes say to each other about one volume. Normative: docs/protocol/quorum-log.md. Bytes: codec.ts. */

/** Where a byte of a log is: bytes since the log's beginning. Exact up to 2^53. */
export type Position = number

/** Counts writers of a volume: each start of a writer is an epoch of its own, higher than all before. */
export type Epoch = number

/** The first byte that was written in an epoch; before it the log is what the epoch before left. */
export interface EpochStart {
  readonly epoch: Epoch
  readonly start: Position
}

/** Which epoch wrote which bytes, oldest first. Epochs and starts rise. The first one's start is where the volume began. */
export type History = readonly EpochStart[]

/** One of the copies of a volume, the same for its life. A copy that lost its disk comes back under another one. */
export type MemberId = string

/** Who has the copies, as the volume's row in the store has it. */
export interface Configuration {
  /** Rises with every change. */
  readonly generation: number
  readonly members: readonly MemberId[]
  /** While members change, the others too: every quorum is one of both. */
  readonly joint?: readonly MemberId[]
}

/** From the head of a volume to members. All say in which epoch's name. */
export type HeadMessage = Seal | Adopt | Append | Durable | Release | Repair | Ping

/** Promise to take nothing from heads of earlier epochs, and say what you have. May be sent again. */
export interface Seal {
  readonly type: 'seal'
  readonly epoch: Epoch
}

/** Your log shall be a part of this one: what differs is to be cut off. */
export interface Adopt {
  readonly type: 'adopt'
  readonly epoch: Epoch
  readonly history: History
}

/** The next bytes, all written in one epoch. */
export interface Append {
  readonly type: 'append'
  readonly epoch: Epoch
  readonly position: Position
  readonly bytes: Buffer
  /** Up to where the log is durable, so that readers may see it. */
  readonly durable: Position
  /** `now`: the writer waits for this copy. `soon`: within {@link SYNC_SOON_MS}. */
  readonly sync: 'now' | 'soon'
}

/** The durable point has moved, and nothing is to be appended now. */
export interface Durable {
  readonly type: 'durable'
  readonly epoch: Epoch
  readonly durable: Position
}

/** This one reader may have the log up to there: it is to become the writer of this epoch. */
export interface Release {
  readonly type: 'release'
  readonly epoch: Epoch
  readonly reader: string
  readonly position: Position
}

/** Get what you lack, up to there, from that member. */
export interface Repair {
  readonly type: 'repair'
  readonly epoch: Epoch
  readonly from: MemberId
  readonly position: Position
}

export interface Ping {
  readonly type: 'ping'
  readonly epoch: Epoch
  readonly sequence: number
}

/** From a member to the head that it has promised. */
export type MemberMessage = Sealed | Refused | Adopted | Flushed | Gap | Pong

export interface Sealed {
  readonly type: 'sealed'
  readonly epoch: Epoch
  readonly history: History
  /** The end of what is on disk here. */
  readonly end: Position
  readonly durable: Position
  /** The oldest byte that is kept here. */
  readonly first: Position
}

/** Another epoch, a higher one, has this member's promise. */
export interface Refused {
  readonly type: 'refused'
  readonly epoch: Epoch
  readonly promised: Epoch
}

export interface Adopted {
  readonly type: 'adopted'
  readonly epoch: Epoch
  /** The last epoch of the history that was adopted. */
  readonly last: Epoch
  readonly end: Position
}

export interface Flushed {
  readonly type: 'flushed'
  readonly epoch: Epoch
  readonly end: Position
}

/** What came does not continue what is here, or could not be taken: it was dropped. Go on at `end`. */
export interface Gap {
  readonly type: 'gap'
  readonly epoch: Epoch
  readonly end: Position
}

export interface Pong extends Horizon {
  readonly type: 'pong'
  readonly epoch: Epoch
  readonly sequence: number
}

/**
 * The oldest transactions whose rows readers still need, for their queries and for decoding, with the epoch of the number above
 * 32 bits. 0: none.
 */
export interface Horizon {
  readonly xmin: bigint
  readonly catalogXmin: bigint
}

/** Between members: reading for a repair. */
export type PeerMessage = Read | Piece

export interface Read {
  readonly type: 'read'
  readonly position: Position
  readonly bytesMax: number
}

/** Bytes of one epoch from `position` on; none: that is all there is. */
export interface Piece {
  readonly type: 'piece'
  readonly position: Position
  readonly dataEpoch: Epoch
  readonly bytes: Buffer
}
