/**
 * The structured log as a port. Levels: `error` = a person must look; `warn` = odd, we went on; `info` = state changed;
 * `debug` = for whoever is looking for a cause.
 */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** The same log, with these fields in every line. */
  child(fields: LogFields): Log
}

/** Facts beside the message. An error goes under the name `error`. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
