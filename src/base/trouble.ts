/** Whose fault a {@link Trouble} is. */
export type Culprit = 'client' | 'peer' | 'engine' | 'us'

/**
 * I/O that failed or timed out. Only a flow step's runner and a connection's loop catch it.
 * `retryable` is explicit: nobody guesses it from the message.
 */
export class Trouble extends Error {
  override readonly name = 'Trouble'
  readonly culprit: Culprit
  readonly retryable: boolean

  constructor(message: string, options: { culprit: Culprit; retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.culprit = options.culprit
    this.retryable = options.retryable
  }
}

/** The message of anything thrown, with the messages of its causes: `start postgres: read postmaster.pid: ENOENT`. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.message || error.name
  return error.cause === undefined ? own : `${own}: ${messageOf(error.cause)}`
}
