/** What an engine is given to become what a database was at some time. */
export interface Recovery {
  /** Up to where the log is given: the engine goes no further, and to nothing less unless `time` comes first. */
  readonly until: { readonly timeline: number; readonly lsn: bigint }
  /** Milliseconds since the epoch: what was committed later is left out. Undefined: nothing is; the log ends before. */
  readonly time: number | undefined
  /** History files of the timelines on the way. */
  readonly histories: readonly { readonly timeline: number; readonly text: string }[]
  /** In order, without a gap, from where the base backup begins to need it. */
  readonly log: AsyncIterable<LogPart>
}

export interface LogPart {
  readonly timeline: number
  readonly lsn: bigint
  /** Within one segment. */
  readonly bytes: Buffer
}
