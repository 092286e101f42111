/**
 * Base backups in the archive, and up to when the log behind them goes. They belong to an instance by its resource id: so
 * they stay with it through renames, and outlive it where they are retained.
 */
import { Collection, type Held } from '#store/collection.ts'
import type { SnapshotPlace } from '#wire/agent/archive.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { InstanceKey, Tag } from '../db-instance/record.ts'
import type { SnapshotSource } from '../db-snapshot/record.ts'

export interface BaseBackupRecord {
  /** In the archive and, until it is stored there, of the snapshot that it is made of. */
  readonly id: string
  /** Of the host that has the snapshot. */
  readonly zone: string
  /** Where it stands in the log; undefined: of an engine without one. */
  readonly log: SnapshotPlace | undefined
  readonly takenAt: number
  /** The snapshot was taken for this alone. */
  readonly isTemporary: boolean
  readonly isStored: boolean
  /** Of a cluster: resource id of the member that is being copied for it. */
  readonly copiedFrom?: string
  /** Nobody wants it any more. */
  readonly isExpired: boolean
  /** The instance as it was. */
  readonly instance: SnapshotSource
  readonly tags: readonly Tag[]
}

export const baseBackups = (control: Pick<Control, 'store'>, scope: Scope): Collection<BaseBackupRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-base-backup'))

export const baseBackupId = (resourceId: string, id: string): string => `${resourceId}/${id}`

/** Those of one instance, oldest first. */
export async function basesOf(control: Pick<Control, 'store'>, key: InstanceKey): Promise<Held<BaseBackupRecord>[]> {
  const all = await baseBackups(control, key).list(`${key.resourceId}/`)
  return all.sort((a, b) => usableFrom(a.value) - usableFrom(b.value))
}

/** From when on a restore can stop. */
export const usableFrom = ({ log, takenAt }: BaseBackupRecord): number => log?.endedAt ?? takenAt

/** What is known of an archived log while no agent says more. */
export interface LogMark {
  /** A restore to this time, in milliseconds since the epoch, is possible. */
  readonly until: number
}

export const logMarks = (control: Pick<Control, 'store'>, scope: Scope): Collection<LogMark> =>
  new Collection(control.store, prefixOf(scope, 'db-log-mark'))
