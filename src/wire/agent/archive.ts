/** What serve and agents say to each other about backups and the archived log. */

/** Positions are as PostgreSQL writes them: `0/1A2B3C4D`. */
export interface ObservedArchive {
  readonly timeline: number
  /** Where the unbroken part of the archived log begins that reaches to its end. */
  readonly from: string
  readonly to: string
  /** What was acknowledged before this time, in milliseconds since the epoch, is in the archive; undefined: not known. */
  readonly until: number | undefined
  /** Why the archive does not go on. */
  readonly trouble: string | undefined
}

/** Where a snapshot stands in its engine's log. */
export interface SnapshotPlace {
  readonly timeline: number
  /** Where to begin to read the log, as PostgreSQL writes positions. */
  readonly start: string
  /** The copy has the log itself up to here, and is not consistent before it. */
  readonly end: string
  /** When the copy ended, in milliseconds since the epoch: it is consistent from then on. */
  readonly endedAt: number
}

/** Whether a restore could be done. */
export interface RestoreCheck {
  /** In words; undefined: nothing. */
  readonly missing: string | undefined
  /** Up to where a restore can go without it, in milliseconds since the epoch, where that is known. */
  readonly restorableTo: number | undefined
}

/** A base backup in the archive. */
export interface BaseFacts {
  /** Name among the backups of one instance. */
  readonly id: string
  readonly engineVersion: string
  /** Where a restore begins to read the log. LSNs as PostgreSQL writes them. */
  readonly timeline: number
  readonly start: string
  /** What was copied has the log itself up to here. */
  readonly end: string
  /** From when on, in milliseconds since the epoch, a restore can stop: what was copied is consistent from then on. */
  readonly usableFrom: number
}

/** Kinds of jobs, beside those of messages.ts. */
export interface ArchiveJobs {
  /** Store a snapshot in the archive as a base backup, under the snapshot's id; then remove it where it was temporary. */
  'backup.store': {
    input: { prefix: string; snapshotId: string; isTemporary: boolean }
    result: Record<never, never>
  }
  /**
   * Copy what is under one prefix of the archive and not under another. `until` comes back as it was given: what could be
   * restored when that was found out can be restored from the copy. The base backups are those that the copy has.
   */
  'archive.mirror': {
    input: { from: string; to: string; until: number | undefined }
    result: { bases: readonly BaseFacts[]; until: number | undefined }
  }
  /**
   * Remove base backups that are not to be kept, and the log that none of the kept ones needs; none kept: everything. An
   * empty prefix: of all instances.
   */
  'archive.trim': { input: { prefix: string; keep: readonly string[] }; result: Record<never, never> }
}
