/**
 * The rules for names, passwords and windows in requests.
 * Source: RDS API reference, CreateDBInstance, constraints of the members.
 */
import { DAY_MS, MINUTE_MS } from '#base/durations.ts'
import { invalidValue } from './faults.ts'

/** 1–63 letters, digits and hyphens; a letter first; no hyphen last and no two in a row. Returns it in lower case. */
export function requireIdentifier(member: string, value: string, lengthMax = 63): string {
  const shape = /^[A-Za-z](?:-?[A-Za-z0-9])*$/
  if (!shape.test(value) || value.length > lengthMax)
    throw invalidValue(
      `The parameter ${member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII ` +
        `letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.`,
    )
  return value.toLowerCase()
}

/** Names that PostgreSQL or RDS keep for themselves. */
const RESERVED_USERS = new Set([
  'rdsadmin',
  'rds_superuser',
  'rds_replication',
  'rds_password',
  'rds_iam',
  'postgres_rds',
  'public',
  'none',
  'admin',
  'user',
])

export function requireMasterUsername(value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(value))
    throw invalidValue('MasterUsername must begin with a letter and contain 1 to 63 letters, digits and underscores.')
  if (RESERVED_USERS.has(value.toLowerCase()) || /^(pg_|rds_?admin)/i.test(value))
    throw invalidValue(`MasterUsername ${value} cannot be used as it is a reserved word used by the engine`)
  return value
}

export function requireMasterPassword(value: string): string {
  if (value.length < 8)
    throw invalidValue(
      'The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.',
    )
  if (value.length > 128)
    throw invalidValue(
      'The parameter MasterUserPassword is not a valid password because it is longer than 128 characters.',
    )
  if (!/^[\x21-\x7e]*$/.test(value) || /[/@"]/.test(value))
    throw invalidValue(
      `The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '"', ' ' may be used.`,
    )
  return value
}

/** Databases that the template has already, or that belong to RDS. */
const RESERVED_DATABASES = new Set(['template0', 'template1', 'rdsadmin'])

export function requireDatabaseName(value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(value))
    throw invalidValue(
      'DBName must begin with a letter or underscore and contain only 1 to 63 alphanumeric characters and underscores.',
    )
  if (RESERVED_DATABASES.has(value.toLowerCase()))
    throw invalidValue(`DBName ${value} cannot be used. It is a reserved word for this engine`)
  return value
}

export function requirePort(member: string, value: number): number {
  if (!Number.isInteger(value) || value < 1150 || value > 65_535)
    throw invalidValue(`Invalid value ${value} for ${member}: a port must be a whole number between 1150 and 65535.`)
  return value
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A span that comes again every `periodMs` (a day or a week), from the start of a UTC day or of Sunday. */
export interface Window {
  readonly startMs: number
  readonly lengthMs: number
  readonly periodMs: number
}

/** `05:30-06:00`, every day. */
export function parseBackupWindow(text: string): Window {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (!match) throw invalidValue(`Invalid value ${text} for PreferredBackupWindow: the format is hh24:mi-hh24:mi.`)
  return spanOf('backup', clockMs(match[1], match[2]), clockMs(match[3], match[4]), DAY_MS)
}

/** `sun:05:30-sun:06:00`, every week. */
export function parseMaintenanceWindow(text: string): Window {
  const match = /^([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)-([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)$/.exec(text.toLowerCase())
  const [from, to] = [dayIndex(match?.[1]), dayIndex(match?.[4])]
  if (!match || from < 0 || to < 0)
    throw invalidValue(`Invalid value ${text} for PreferredMaintenanceWindow: the format is ddd:hh24:mi-ddd:hh24:mi.`)
  const window = spanOf(
    'maintenance',
    from * DAY_MS + clockMs(match[2], match[3]),
    to * DAY_MS + clockMs(match[5], match[6]),
    7 * DAY_MS,
  )
  if (window.lengthMs > DAY_MS) throw invalidValue('The maintenance window must be less than 24 hours.')
  return window
}

const dayIndex = (day: string | undefined): number => (DAYS as readonly (string | undefined)[]).indexOf(day)
const clockMs = (hours: string | undefined, minutes: string | undefined): number =>
  (Number(hours) * 60 + Number(minutes)) * MINUTE_MS

function spanOf(kind: string, startMs: number, endMs: number, periodMs: number): Window {
  const lengthMs = (endMs - startMs + periodMs) % periodMs
  if (lengthMs < 30 * MINUTE_MS) throw invalidValue(`The ${kind} window must be at least 30 minutes.`)
  return { startMs, lengthMs, periodMs }
}

/** RDS refuses a backup window that touches the maintenance window on any day. */
export function windowsOverlap(backup: Window, maintenance: Window): boolean {
  for (let day = -1; day <= 7; day++) {
    const start = day * DAY_MS + backup.startMs
    for (const shift of [-maintenance.periodMs, 0, maintenance.periodMs]) {
      const other = maintenance.startMs + shift
      if (start < other + maintenance.lengthMs && other < start + backup.lengthMs) return true
    }
  }
  return false
}

/** 1970-01-01 was a Thursday: the weeks of `Window` begin on the Sunday before. */
const EPOCH_WEEK_OFFSET_MS = 4 * DAY_MS

/** Milliseconds since the window opened last. */
function sinceOpening({ startMs, periodMs }: Window, now: number): number {
  const offset = periodMs === DAY_MS ? 0 : EPOCH_WEEK_OFFSET_MS
  return (((now + offset - startMs) % periodMs) + periodMs) % periodMs
}

/** Milliseconds from `now` until the window is open; 0 while it is. */
export const untilOpen = (window: Window, now: number): number =>
  sinceOpening(window, now) < window.lengthMs ? 0 : untilOpening(window, now)

/** Milliseconds until the window opens the next time, whether or not it is open now. */
export const untilOpening = (window: Window, now: number): number => window.periodMs - sinceOpening(window, now)

/** When the window opened last. */
export const openedAt = (window: Window, now: number): number => now - sinceOpening(window, now)

const two = (n: number): string => String(n).padStart(2, '0')
const clockText = (ms: number): string =>
  `${two(Math.floor(ms / 3_600_000) % 24)}:${two(Math.floor(ms / MINUTE_MS) % 60)}`

/** From midnight: the block of hours in which RDS chooses backup windows differs by region; this is one of them. */
const BACKUP_SLOTS = 16
/** From noon, so that chosen windows of the two kinds never meet. */
const MAINTENANCE_SLOTS = 20

interface AskedWindows {
  readonly backup: string | undefined
  readonly maintenance: string | undefined
}

/**
 * Random half hours in the place of what the caller leaves out, as RDS chooses them. Undefined when nothing that could
 * be chosen keeps clear of the other window. Backup windows that open within `quietMs` are taken only when no other is
 * left. `draw` is three random bytes.
 */
export function chooseWindows(
  asked: AskedWindows,
  draw: Buffer,
  { now, quietMs }: { now: number; quietMs: number },
): { backup: string; maintenance: string } | undefined {
  const isQuiet = (backup: string): boolean => untilOpen(parseBackupWindow(backup), now) >= quietMs
  const backups = asked.backup === undefined ? turned(BACKUP_WINDOWS, draw.readUInt8(0)) : [asked.backup]
  const maintenances =
    asked.maintenance === undefined ? turned(MAINTENANCE_WINDOWS, draw.readUInt16BE(1)) : [asked.maintenance]
  for (const backup of [...backups.filter(isQuiet), ...backups.filter((one) => !isQuiet(one))]) {
    const window = parseBackupWindow(backup)
    const maintenance = maintenances.find((one) => !windowsOverlap(window, parseMaintenanceWindow(one)))
    if (maintenance !== undefined) return { backup, maintenance }
  }
  return undefined
}

const halfHour = (startMs: number, day = ''): string =>
  `${day}${clockText(startMs)}-${day}${clockText(startMs + 30 * MINUTE_MS)}`

const BACKUP_WINDOWS = Array.from({ length: BACKUP_SLOTS }, (_, slot) => halfHour(slot * 30 * MINUTE_MS))
const MAINTENANCE_WINDOWS = DAYS.flatMap((day) =>
  Array.from({ length: MAINTENANCE_SLOTS }, (_, slot) => halfHour(DAY_MS / 2 + slot * 30 * MINUTE_MS, `${day}:`)),
)

/** The same items, beginning with another. */
const turned = <T>(items: readonly T[], by: number): T[] => [
  ...items.slice(by % items.length),
  ...items.slice(0, by % items.length),
]
