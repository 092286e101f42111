/** The log of a process: JSON lines, written by pino. The port itself is in `base/`, so that every room can log. */
import { pino } from 'pino'
import type { Log, LogFields, LogLevel } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'

export type { Log, LogFields, LogLevel } from '#base/log.ts'

export interface LogOptions {
  readonly level: LogLevel
  readonly clock: Clock
  /** Gets one whole line at a time, its line end included. */
  readonly destination: { write(line: string): void }
  /** In every line: which role this is, in which zone. */
  readonly fields?: LogFields
}

/**
 * Fields that never reach a log, whoever passes them by mistake, at the top of a line's fields and two levels down.
 * The second line of defence: the first is not to log them.
 */
const SECRET_FIELDS = [
  'password',
  'masterUserPassword',
  'MasterUserPassword',
  'passwordVerifier',
  'secret',
  'secretAccessKey',
  'SecretString',
  'SecretBinary',
  'privateKeyPem',
  'token',
  'authorization',
]

export function openLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: options.fields ?? null,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: SECRET_FIELDS.flatMap((f) => [f, `*.${f}`, `*.*.${f}`]), censor: '(secret)' },
    },
    options.destination,
  )
}
