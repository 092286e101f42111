/** How an instance hangs on a cluster volume: what control orders, and what agents see of it. */
import type { Epoch, MemberId, Position } from '../quorum/messages.ts'

/**
 * The part of an instance's spec that says by which volume its engine lives. The engine always starts as a reader; one
 * becomes the writer of an epoch by the job `instance.lead`, and whoever ends as a writer is one no more.
 */
export interface VolumeAttachment {
  readonly id: string
  readonly role: 'writer' | 'reader'
  /** Under which feeds know the engine, and a head releases the log to it. */
  readonly name: string
  /** The DB instance's identifier, as clients see it. */
  readonly identifier: string
  /** Where the engine streams the log from: log nodes, the nearest first. */
  readonly feeds: readonly NodeAddress[]
  readonly login: FeedLogin
  /** Whether clients may come. Otherwise nobody may log in but who looks after the engine. */
  readonly isOpen: boolean
  /** Of a writer. */
  readonly head?: HeadTerms
}

export interface NodeAddress {
  readonly host: string
  readonly port: number
}

/** By which an engine is let in by feeds, as the user of the volume's id, and knows them. */
export interface FeedLogin {
  readonly password: string
  readonly caPem: string
}

/** What the head beside the writer leads. */
export interface HeadTerms {
  readonly epoch: Epoch
  readonly configuration: MemberConfiguration
  /** The log nodes, for heads. */
  readonly nodes: readonly NodeAddress[]
}

/** Who has the copies, as the volume's row has it. */
export interface MemberConfiguration {
  readonly generation: number
  readonly members: readonly MemberId[]
  /** While members change, the others too. */
  readonly joint?: readonly MemberId[]
}

/** What a volume begins with, in an image that its first members and instances are made from. */
export interface SeedFacts {
  /** Which cluster this is, to the engine: of every log and image of the volume. Decimal. */
  readonly systemId: string
  /** The epoch of what is in it. */
  readonly epoch: Epoch
  /** The log of the image from here on, the beginning of a segment, up to `end` lies beside it, in the file `log`. */
  readonly start: Position
  readonly end: Position
}

/** Name of the file with a seed image's log, beside its data. */
export const SEED_LOG = 'log'

/** What an engine on a volume says of itself. */
export interface ObservedVolume {
  /** It takes writes, or would. */
  readonly isWriter: boolean
  /** The timeline that it writes or follows: the epoch whose log it last had. */
  readonly epoch: Epoch
  /** A reader receives the log now. */
  readonly isStreaming: boolean
  /** Why a reader cannot follow, where that will not come right by itself. */
  readonly obstacle?: 'log-removed' | 'diverged' | 'settings'
  /** Where the log begins that this epoch wrote, of a writer that was promoted here. */
  readonly start?: Position
}

/** A row of `aurora_replica_status()`, as control knows it. */
export interface ReplicaStatus {
  /** The DB instance's identifier. */
  readonly serverId: string
  readonly isWriter: boolean
  /** Of a reader: names it for its life. */
  readonly sessionId: string
  /** Milliseconds by which what its clients see is behind; absent where that is not known. */
  readonly lagMs?: number | undefined
  /** Percent of its processors. */
  readonly cpuPercent?: number | undefined
  /** When this was found out, in milliseconds of Unix time. */
  readonly seenAt: number
}
