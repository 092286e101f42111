/** How an instance hangs on a cluster volume: what control orders, and what agents see of it. */
import type { HeadStatus, MemberPlace } from '../head/messages.ts'
import type { Configuration, Epoch, Position } from '../quorum/messages.ts'
import type { ObservedArchive } from './archive.ts'
import type { EngineName, InstanceSpec, MasterUser, SnapshotFacts, TlsFiles } from './messages.ts'

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
  readonly feeds: readonly FeedAddress[]
  readonly login: FeedLogin
  /** Of the volume, as {@link SeedFacts} have it: what is of another one can never follow its log. Absent: nobody says. */
  readonly systemId?: string
  /** Whether clients may come. Otherwise nobody may log in but who looks after the engine. */
  readonly isOpen: boolean
  /** Of a writer. */
  readonly head?: HeadTerms
}

export interface FeedAddress {
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
  readonly configuration: Configuration
  /** Where every member of the configuration is. */
  readonly places: readonly MemberPlace[]
  /** By which log nodes know the head, and it knows them. */
  readonly tls: TlsFiles
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

/**
 * What a new volume is to have in it: a snapshot, or what was under a prefix of the archive at a time, as `instance.recover`, or
 * what another volume has.
 */
export type SeedSource =
  | { readonly snapshotId: string }
  | { readonly prefix: string; readonly time: number | undefined }
  | { readonly branch: VolumeBranch }

/** Another volume as it is at a checkpoint. What `volume` says about clients does not matter: there are none. */
export interface VolumeBranch {
  /** An image of it, among snapshots. */
  readonly imageId: string
  readonly volume: VolumeAttachment
  /** The position of the checkpoint's record. */
  readonly until: Position
}

/** What an image of a volume is: a past state of its database, that an engine can go on from. */
export interface ImageFacts {
  /** As in {@link SeedFacts}. */
  readonly systemId: string
  /** The timeline of the checkpoint that it was made at. */
  readonly epoch: Epoch
  /** An engine over a copy of it needs the log from here on: the beginning of a segment. */
  readonly from: Position
}

/** What the facts of a snapshot have that is an image of a volume. */
export interface OfVolume {
  /** Of one that the volume begins with. */
  readonly seed?: SeedFacts
  /** Of a later one. */
  readonly image?: ImageFacts
}

/** Name of the file with a seed image's log, beside its data. */
export const SEED_LOG = 'seed.log'

/** Name of the file with the history of a seed's timeline, where that is not the first. */
export const SEED_HISTORY = 'seed.history'

/** What an engine on a volume says of itself. */
export interface ObservedVolume {
  /** It takes writes, or would. */
  readonly isWriter: boolean
  /** The timeline that it writes or follows: the epoch whose log it last had. */
  readonly epoch: Epoch
  /** A reader receives the log now, and has applied nothing that is not shown to readers. */
  readonly isStreaming: boolean
  /** Why a reader cannot follow, where that will not come right by itself. */
  readonly obstacle?: 'log-removed' | 'diverged' | 'settings'
  /** Of a writer: where its epoch begins. */
  readonly started?: EpochStarted
}

export interface EpochStarted {
  /** Of the first byte of the epoch. */
  readonly start: Position
  /** The epoch of the byte before it. */
  readonly after: Epoch
}

/** Kinds of jobs, beside those of messages.ts. */
export interface VolumeJobs {
  /**
   * Make the image that a new volume begins with, as a snapshot whose facts have `seed`: of an empty database, or by `from`
   * of what another one was, whose master user gets this password.
   */
  'volume.seed': {
    input: {
      snapshotId: string
      engine: EngineName
      version: string
      master: MasterUser
      databaseName: string | undefined
      from?: SeedSource
    }
    result: SnapshotFacts
  }
  /**
   * Make a later image of the volume out of an earlier one and the log up to a record, as a snapshot whose facts have
   * `image`. What `volume` says about clients does not matter: there are none.
   */
  'volume.image': {
    input: {
      snapshotId: string
      /** The earlier one, among snapshots. */
      from: string
      engine: EngineName
      version: string
      volume: VolumeAttachment
      until: Position
    }
    result: SnapshotFacts
  }
  /**
   * Start a reader here, over a copy of an image in the place of what there is of the instance; without one: over what there
   * is, which may have been a writer. `making` names the order: what was made by it is not made again.
   */
  'instance.attach': {
    input: { spec: InstanceSpec; image: { snapshotId: string; making: string } | undefined }
    result: Record<never, never>
  }
  /**
   * Make of what is here the writer of the epoch in the spec, with a head beside it, and open its gate once something of the
   * epoch is durable. `diverged`: what is here has to be made anew; `fenced`: the epoch is over, and the engine has ended.
   */
  'instance.lead': { input: { spec: InstanceSpec }; result: EpochStarted }
}

/** Questions, beside those of messages.ts. */
export interface VolumeQuestions {
  /**
   * Whether an engine answers there, asked of a host that it does not run on. `isLate`: this host was so busy meanwhile that
   * silence says nothing.
   */
  'engine.answers': { input: FeedAddress & { engine: EngineName }; answer: { answers: boolean; isLate: boolean } }
  /**
   * Not much of a question: the writer makes a checkpoint, unless it has made one by which the log from `since` on is enough.
   * The answer is the position of the record.
   */
  'instance.checkpoint': { input: { id: string; since: Position }; answer: { at: Position } }
  /** What the head beside this writer says of itself; absent: none runs, or it has not spoken yet. */
  'head.look': { input: { id: string }; answer: { readonly status?: HeadStatus } }
  /** Not much of a question: from now on this is what the engine says of the cluster's instances. */
  'instance.tell-replicas': {
    input: ToldOfCluster & { id: string }
    answer: Record<never, never>
  }
}

/** About the archive that a volume's log goes to, whoever writes it. */
export interface VolumeArchiveQuestions {
  /** From now on this host archives the volume's log; whole, in the place of what was said before. Not kept by the agent. */
  'volume.archive': { input: VolumeArchiveOrder; answer: Record<never, never> }
  'volume.unarchive': { input: { readonly id: string }; answer: Record<never, never> }
  /** How far this host has archived the volume's log. */
  'volume.archived': { input: { readonly id: string }; answer: { readonly archive?: ObservedArchive | undefined } }
}

/** Where the log of a volume is read, and under which prefix of the archive it goes. */
export interface VolumeArchiveOrder extends Pick<VolumeAttachment, 'id' | 'feeds' | 'login'> {
  readonly engine: EngineName
  readonly prefix: string
}

/** What an instance says of the cluster that it belongs to. */
export interface ToldOfCluster {
  readonly replicas: readonly ReplicaStatus[]
  /** Absent: the cluster belongs to no global database, or nothing is known of it yet. */
  readonly global?: GlobalStatus | undefined
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

/** What instances say of the global database that their cluster belongs to, as control knows it. */
export interface GlobalStatus {
  /** The instance's own: names of instances are those of a region. */
  readonly region: string
  readonly clusters: readonly GlobalClusterStatus[]
  readonly instances: readonly GlobalInstanceStatus[]
}

/** A row of `aurora_global_db_status()`. What is not known is absent. */
export interface GlobalClusterStatus {
  readonly region: string
  readonly isPrimary: boolean
  /** Where its log ends. */
  readonly end?: Position | undefined
  /** Of a copy: milliseconds that it took the last time until what was durable in the primary was durable in it. */
  readonly lagMs?: number | undefined
  /** Of a copy: milliseconds for which it may lack what is durable in the primary. */
  readonly behindMs?: number | undefined
  /** Of a copy: the oldest transaction whose rows its readers need. Decimal, with the epoch above 32 bits. */
  readonly xmin?: string | undefined
  /** Of a copy: when this was found out, in milliseconds of Unix time. */
  readonly seenAt?: number | undefined
}

/** A row of `aurora_global_db_instance_status()`. What is not known is absent. */
export interface GlobalInstanceStatus extends Pick<ReplicaStatus, 'serverId' | 'isWriter' | 'sessionId'> {
  readonly region: string
  /** Up to where its cluster's volume is durable. */
  readonly durable?: Position | undefined
  /** Of a reader: up to where it has the log. */
  readonly received?: Position | undefined
  /** Of a reader: milliseconds by which what its clients see is behind the writer of the primary. */
  readonly lagMs?: number | undefined
}
