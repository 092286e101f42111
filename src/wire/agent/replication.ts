/** How the copies of one database stand to each other: what control orders, and what agents see of it. */

/** The part of an instance's spec that says whom its engine streams from, or who streams from it. */
export type Replication = PrimaryReplication | StandbyReplication

interface Upstream {
  /**
   * Names of the standbys that may stream from here. Each has a slot of its name, which keeps the log that it still
   * needs; slots of others are dropped.
   */
  readonly followers: readonly string[]
}

export interface PrimaryReplication extends Upstream {
  readonly role: 'primary'
  /**
   * A commit is acknowledged once one of these standbys has it on disk; none: once it is on the disk here. Only control
   * decides to run without: a primary whose standbys are gone waits.
   */
  readonly synchronous: readonly string[]
  /**
   * The synchronous standby keeps those logical slots that ask for it, where the engine can do that, so their consumers see
   * nothing that it does not have. Not said where commits wait for one of several: consumers would wait for all.
   */
  readonly standbyKeepsSlots?: true
}

export interface StandbyReplication extends Upstream {
  readonly role: 'standby'
  /** Under which it is known to its upstream: its slot, and its name among synchronous standbys. */
  readonly name: string
  readonly source: ReplicationSource
  /** Whether clients may read here. Otherwise nobody may log in until it is promoted. */
  readonly readable: boolean
}

/** Where a standby streams from. TLS, verified against `caPem`. */
export interface ReplicationSource {
  readonly host: string
  readonly port: number
  readonly caPem: string
  /** Where the source is far away: the engine reaches it through its agent, which has this port of the host. */
  readonly link?: ReplicationLink
}

export interface ReplicationLink {
  readonly port: number
  /** What everything takes longer, each way. Milliseconds. */
  readonly delayMs: number
}

/** What an engine says of its replication now. Facts; positions change all the time and are asked for instead. */
export type ObservedReplication = ObservedPrimary | ObservedStandby

export interface ObservedPrimary {
  readonly role: 'primary'
  readonly timeline: number
  readonly followers: readonly ObservedFollower[]
}

export interface ObservedFollower {
  readonly name: string
  /** `startup`, `catchup`, `streaming`, …, in the engine's words. */
  readonly state: string
  /** Commits wait for it. */
  readonly isSynchronous: boolean
}

export interface ObservedStandby {
  readonly role: 'standby'
  /** It receives the log from its source now. */
  readonly isStreaming: boolean
  /** Why it cannot follow, where it will not come right by itself. */
  readonly obstacle?: ReplicationObstacle
  /** Whether the source's engine answers on its port: the second opinion on a primary that is silent. */
  readonly sourceAnswers: boolean
}

export type ReplicationObstacle =
  /** The source no longer has the log that comes next. */
  | 'log-removed'
  /** What is here is not a past state of the source. */
  | 'diverged'
  /** The source allows more than this engine was started with; another start puts that right. */
  | 'settings'

/** Where an engine's log ends. LSNs as PostgreSQL writes them: `0/3000148`. */
export interface LogPosition {
  readonly role: 'primary' | 'standby'
  readonly timeline: number
  /** Written and flushed here: of a standby, what it has received. */
  readonly flushedLsn: string
  /** Of a standby: applied, so that a reader sees it. */
  readonly replayedLsn: string
  /**
   * Of a standby: seconds by which what readers see is behind. 0 while it streams and all that was received is applied;
   * otherwise the age of the newest commit that readers see. Undefined where it has not seen any yet.
   */
  readonly lagSeconds: number | undefined
}
