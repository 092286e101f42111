/** What an engine that ended while it was starting said, turned into a reason. */
import { EngineError } from '../engine.ts'
import { FAILURE_TEXT_CHARS_MAX } from '../limits.ts'

/** Order matters: PostgreSQL says "No space left on device" of semaphores as well, when max_connections is too high. */
const reasons: readonly (readonly [EngineError['code'], RegExp])[] = [
  ['port-busy', /could not create any TCP\/IP sockets|could not bind [^\n]*: Address already in use/],
  ['bad-settings', /could not create semaphores|could not create shared memory segment/],
  // A standby has applied what its source does not have.
  [
    'diverged',
    /requested timeline \d+ (does not contain minimum recovery point|is not a child of this server's history)/,
  ],
  ['disk-full', /No space left on device|Disk quota exceeded/],
  [
    'bad-settings',
    /invalid value for parameter|unrecognized configuration parameter|requires a (numeric|Boolean) value/,
  ],
  ['bad-settings', /is outside the valid range|configuration file .* contains errors|syntax error in file/],
  ['bad-settings', /could not map anonymous shared memory|shared memory size overflows|could not resize shared memory/],
  ['bad-settings', /FATAL: +could not (access|load) (file|library)/],
  // It is not among the settings any more.
  ['bad-settings', /FATAL: +logical replication slot "[^"]*" exists, but "?wal_level"? < "?logical/],
]

/** Lines that count; what the engine finds before it can log comes with its name alone. */
const TELLING = /\b(LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT): +|^postgres: /

/** `words` is what the engine wrote since it was started; `settings` are the names of what it was given. */
export function startFailure(words: string, settings: readonly string[]): EngineError {
  const lines = words
    .split('\n')
    .filter((line) => TELLING.test(line) && !line.includes('Future log output'))
    .map(withoutPrefix)
  const text = lines.join('\n')
  const known = reasons.find(([, pattern]) => pattern.test(text))?.[0]
  const code = known ?? (namesSetting(lines, settings) ? 'bad-settings' : 'failed')
  const telling = lines.filter((line) => !line.startsWith('LOG: ') || reasons.some(([, pattern]) => pattern.test(line)))
  const message = telling.join('; ').slice(0, FAILURE_TEXT_CHARS_MAX)
  return new EngineError(code, `PostgreSQL ended while it was starting: ${message || 'it said nothing'}`)
}

/** The time, process and session that log_line_prefix puts first. */
function withoutPrefix(line: string): string {
  return line.replace(/^.*?\b(LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT): +/, '$1: ')
}

/** Settings that contradict each other are refused in sentences of their own, which name at least one of them. */
function namesSetting(lines: readonly string[], settings: readonly string[]): boolean {
  const fatal = lines.filter((line) => /^(FATAL|postgres): /.test(line))
  return fatal.some((line) => settings.some((name) => line.includes(`"${name}"`) || line.includes(`${name} `)))
}
