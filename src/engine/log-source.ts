/** The engine port's view of a write-ahead log: read as it is written, from any position that the engine still has. */
export interface LogSource {
  /** The newest timeline, and how far the log is safe. */
  identify(): Promise<LogEnd>
  /**
   * From now on the engine keeps what {@link LogStream.confirm} has not said is safe, as far as its limit for that goes:
   * where it went beyond the limit before, only what it still has.
   */
  keep(): Promise<void>
  /** The engine need not keep anything for us any more. */
  release(): Promise<void>
  /** Text of the timeline's history file. */
  history(timeline: number): Promise<string>
  /** Streams the timeline from a position on. Throws {@link LogGone} when the engine has it no more. */
  stream(from: LogPlace, onData: (bytes: Buffer) => void): Promise<LogStream>
  close(): Promise<void>
}

export interface LogPlace {
  readonly timeline: number
  readonly lsn: bigint
}

export interface LogEnd extends LogPlace {
  /**
   * What was acknowledged this long ago, or earlier, lies before `lsn`, in milliseconds: 0 where the writer itself was asked.
   * Undefined: nobody can tell.
   */
  readonly behindMs: number | undefined
}

export interface LogStream {
  /**
   * Resolves at the end of the timeline, with the one that follows and where it begins. Rejects when the connection
   * ends, with {@link LogGone} when the engine has removed what would come next.
   */
  readonly ended: Promise<LogPlace>
  /** Everything before `lsn` is safe elsewhere. Also says that we are alive: the engine hangs up after a minute without. */
  confirm(lsn: bigint): void
  /** While paused, `onData` is not called, and the engine waits. */
  pause(): void
  resume(): void
  close(): void
}

/** The engine does not have this part of its log any more. */
export class LogGone extends Error {
  override readonly name = 'LogGone'
}
