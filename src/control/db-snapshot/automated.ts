/**
 * Automated snapshots of an instance or a DB cluster: their names, their records, and when their time is up. They belong to
 * it by its resource id, so that they stay with it through renames and outlive it where they are retained.
 */
import { DAY_MS } from '#base/durations.ts'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { BaseBackupRecord } from '../automated-backup/record.ts'
import type { Control, Scope } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'
import { snapshotEvent } from '../flows/snapshot-writes.ts'
import { startDeletion } from './change.ts'
import { newSnapshot } from './create.ts'
import type { SnapshotKind } from './kind.ts'
import type { DbSnapshotRecord } from './record.ts'

/** Users cannot give a name that begins like this. */
const PREFIX = 'rds:'

/** Those of one instance or cluster, in whatever state, oldest first. */
export async function automatedSnapshots(
  control: Pick<Control, 'store'>,
  kind: SnapshotKind,
  key: InstanceKey,
): Promise<Held<DbSnapshotRecord>[]> {
  const all = await kind.collection(control, key).list(PREFIX)
  return all
    .filter(({ value }) => value.instance.resourceId === key.resourceId)
    .sort((a, b) => a.value.createdAt - b.value.createdAt)
}

/**
 * A new one's record in `creating`, and the writes that make it. Undefined while the name of this minute is taken, which
 * an instance that had the same identifier before can have done.
 */
export async function newAutomatedSnapshot(
  control: Control,
  kind: SnapshotKind,
  of: Scope & Pick<DbSnapshotRecord, 'instance' | 'zone' | 'tags'>,
): Promise<{ record: DbSnapshotRecord; writes: Mutation } | undefined> {
  const { account, region, instance, zone, tags } = of
  const id = nameAt(instance.id, control.clock.now())
  const snapshots = kind.collection(control, of)
  if (await snapshots.get(id)) return undefined
  const record = newSnapshot(
    control,
    { account, region },
    {
      id,
      instance,
      zone,
      type: 'automated',
      resourceId: newResourceId('snap', control.random),
      tags: instance.settings.CopyTagsToSnapshot ? tags : [],
    },
  )
  return { record, writes: together(snapshots.create(id, record), snapshotEvent(control, kind, record, 'creating')) }
}

/** `rds:orders-2026-01-01-05-30`, in UTC. */
const nameAt = (instanceId: string, now: number): string =>
  `${PREFIX}${instanceId}-${new Date(now).toISOString().slice(0, 16).replaceAll(/[T:]/g, '-')}`

/** The base backup that is made of a snapshot which is there, and is to be stored. */
export function baseOf({ log, createdAt, instance, tags, zone, resourceId: id }: DbSnapshotRecord): BaseBackupRecord {
  const facts = { log, takenAt: createdAt, isTemporary: false, isStored: false, isExpired: false }
  return { ...facts, id, zone, instance, tags }
}

/** The newest that no base backup was made of yet, and one can be. */
export function freshIn(
  { simulated }: Pick<Control, 'simulated'>,
  snapshots: readonly Held<DbSnapshotRecord>[],
  bases: readonly Held<BaseBackupRecord>[],
): DbSnapshotRecord | undefined {
  const newest = Math.max(0, ...bases.map(({ value }) => value.takenAt))
  const fresh = snapshots.findLast(({ value }) => value.status === 'available' && value.createdAt > newest)?.value
  return fresh?.log || simulated ? fresh : undefined
}

/** Whether nobody works on it. */
export const isAtRest = ({ status }: DbSnapshotRecord): boolean => status === 'available' || status === 'failed'

interface Keeping {
  readonly retentionDays: number
  /** Whether the newest that can be restored is kept however old it is. */
  readonly keepsNewest: boolean
  readonly now: number
}

interface Expiry {
  /** Their time is up, and nobody removes them yet. */
  readonly expired: readonly Held<DbSnapshotRecord>[]
  /** Milliseconds until the next one's time is up; Infinity if there is none. */
  readonly nextMs: number
}

/** Which of an instance's automated snapshots have to go, oldest first as they are given. */
export function expiryOf(snapshots: readonly Held<DbSnapshotRecord>[], keeping: Keeping): Expiry {
  const newest = keeping.keepsNewest ? snapshots.findLast(({ value }) => value.status === 'available') : undefined
  const removable = snapshots.filter((held) => isAtRest(held.value) && held !== newest)
  const leftMs = ({ value }: Held<DbSnapshotRecord>): number =>
    value.createdAt + keeping.retentionDays * DAY_MS - keeping.now
  return {
    expired: removable.filter((held) => leftMs(held) <= 0),
    nextMs: Math.min(Infinity, ...removable.map(leftMs).filter((ms) => ms > 0)),
  }
}

/** Writes that start the deletion of all of these. */
export const startDeletions = (
  control: Control,
  kind: SnapshotKind,
  snapshots: readonly Held<DbSnapshotRecord>[],
): Mutation => together(...snapshots.map((held) => startDeletion(control, kind, held).writes))
