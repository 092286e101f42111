import type { Log, LogFields, LogLevel } from './log.ts'

export interface LogLine {
  readonly level: LogLevel
  readonly fields: LogFields
  readonly message: string
}

/** A log that keeps its lines, for tests: most of them check that nothing was worth a warning. */
export interface MemoryLog extends Log {
  readonly lines: readonly LogLine[]
  /** Messages at `warn` and `error`. */
  readonly complaints: readonly string[]
}

export function memoryLog(): MemoryLog {
  const lines: LogLine[] = []
  const logWith = (inherited: LogFields): Log => {
    const at = (level: LogLevel) => (fields: LogFields, message: string) => {
      lines.push({ level, fields: { ...inherited, ...fields }, message })
    }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => logWith({ ...inherited, ...fields }),
    }
  }
  return {
    ...logWith({}),
    lines,
    get complaints() {
      return lines.filter((l) => l.level === 'warn' || l.level === 'error').map((l) => l.message)
    },
  }
}
