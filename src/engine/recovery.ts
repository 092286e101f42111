/** What an engine is given of archived log: to become what a database was at some time, or to catch up. */
export interface Recovery {
  /** Up to where the log is given: the engine goes no further, and to nothing less unless `time` comes first. */
  readonly until: { readonly timeline: number; readonly lsn: bigint }
  /** Milliseconds since the epoch: what was committed later is left out. Undefined: nothing is; the log ends before. */
  readonly time: number | undefined
  /** History files of the timelines on the way. */
  readonly histories: readonly TimelineHistory[]
  /** In order, without a gap, from where the base backup begins to need it. */
  readonly log: AsyncIterable<LogPart>
}

export interface LogPart {
  readonly timeline: number
  readonly lsn: bigint
  /** Within one segment. */
  readonly bytes: Buffer
}

export interface TimelineHistory {
  readonly timeline: number
  /** The history file's. */
  readonly text: string
}

export interface LogSegment {
  readonly timeline: number
  readonly start: bigint
  /** All of the segment. */
  readonly bytes: Buffer
}

/** How far a standby is. */
export interface LogWanted {
  /** The newest that it is known to have come to. */
  readonly timeline: number
  /** Everything before is applied. */
  readonly lsn: bigint
  /** It has applied all that it has: it is held up by nothing else than the lack of log. */
  readonly isIdle: boolean
  /** The process that says that it receives log. One that is refused says so too, for a moment. */
  readonly receiverPid: number | undefined
}
