/** Which base backups there have to be. Pure. */
import { DAY_MS } from '#base/durations.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { DbInstanceSettings } from '../db-instance/record.ts'
import { usableFrom, type BaseBackupRecord } from './record.ts'
import { continues } from './window.ts'

/**
 * Whether restores need another base backup now: there is none, or the log has a gap behind the newest one. Unknown as
 * long as nobody archives.
 */
export function needsBase(bases: readonly BaseBackupRecord[], archive: ObservedArchive | undefined): boolean {
  if (!archive) return false
  const newest = bases.filter(({ isExpired }) => !isExpired).at(-1)
  return !newest || !continues(archive, newest)
}

type Asked = Pick<DbInstanceSettings, 'BackupRetentionPeriod' | 'PreferredBackupWindow'>

/** Whether the timer of backups has to look again. */
export const backupsChange = (before: Asked, after: Asked): boolean =>
  before.BackupRetentionPeriod !== after.BackupRetentionPeriod ||
  before.PreferredBackupWindow !== after.PreferredBackupWindow

interface Keeping {
  readonly retentionDays: number
  readonly now: number
  /** Of a deleted instance: up to when its log goes. */
  readonly endedAt: number | undefined
}

/**
 * Those, oldest first as they are given, that no time within the retention period needs: the one before the oldest such
 * time is needed, the ones before that are not.
 */
export function expiredBases(
  bases: readonly BaseBackupRecord[],
  { retentionDays, now, endedAt = now }: Keeping,
): BaseBackupRecord[] {
  const oldestTime = now - retentionDays * DAY_MS
  if (retentionDays === 0 || endedAt <= oldestTime) return [...bases]
  const stored = bases.filter(({ isStored }) => isStored)
  const needed = stored.findLastIndex((base) => usableFrom(base) <= oldestTime)
  return [...stored.slice(0, Math.max(needed, 0)), ...bases.filter(({ isExpired }) => isExpired)].filter(
    (base, place, all) => all.indexOf(base) === place,
  )
}
