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

/** Milliseconds from `now` until the window is open; 0 while it is. */
export function untilOpen(window: Window, now: number): number {
  const offset = window.periodMs === DAY_MS ? 0 : EPOCH_WEEK_OFFSET_MS
  const at = (((now + offset - window.startMs) % window.periodMs) + window.periodMs) % window.periodMs
  return at < window.lengthMs ? 0 : window.periodMs - at
}

const two = (n: number): string => String(n).padStart(2, '0')
const clockText = (ms: number): string =>
  `${two(Math.floor(ms / 3_600_000) % 24)}:${two(Math.floor(ms / MINUTE_MS) % 60)}`

/** Random half hours that do not overlap, as RDS chooses where the caller leaves them out. `draw` is four random bytes. */
export function chooseWindows(draw: Buffer): { backup: string; maintenance: string } {
  const backupStart = (draw.readUInt8(0) % 16) * 30 * MINUTE_MS
  // The maintenance window is taken from the other part of the day, so that the two never meet.
  const maintenanceStart = 12 * 60 * MINUTE_MS + (draw.readUInt8(1) % 20) * 30 * MINUTE_MS
  const day = DAYS[draw.readUInt8(2) % 7]!
  return {
    backup: `${clockText(backupStart)}-${clockText(backupStart + 30 * MINUTE_MS)}`,
    maintenance: `${day}:${clockText(maintenanceStart)}-${day}:${clockText(maintenanceStart + 30 * MINUTE_MS)}`,
  }
}
