/**
 * Automated snapshots of an instance: their names, their records, and when their time is up. They belong to the
 * instance by its resource id, so that they stay with it through renames and outlive it where they are retained.
 */
import { DAY_MS } from '#base/durations.ts'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
import type { DbInstanceRecord, InstanceKey } from '../db-instance/record.ts'
import { snapshotEvent } from '../flows/snapshot-writes.ts'
import { startDeletion } from './change.ts'
import { snapshotOf } from './create.ts'
import { OF_INSTANCES } from './kind.ts'
import { dbSnapshots, type DbSnapshotRecord } from './record.ts'

/** Users cannot give a name that begins like this. */
const PREFIX = 'rds:'

/** Those of all instances, also of deleted ones, in whatever state, oldest first. */
async function allAutomatedSnapshots(control: Pick<Control, 'store'>, scope: Scope): Promise<Held<DbSnapshotRecord>[]> {
  const all = await dbSnapshots(control, scope).list(PREFIX)
  return all.sort((a, b) => a.value.createdAt - b.value.createdAt)
}

/** Those of one instance. */
export const automatedSnapshots = async (
  control: Pick<Control, 'store'>,
  key: InstanceKey,
): Promise<Held<DbSnapshotRecord>[]> =>
  (await allAutomatedSnapshots(control, key)).filter(({ value }) => value.instance.resourceId === key.resourceId)

/**
 * A new one's record in `creating`, and the writes that make it. Undefined while the name of this minute is taken, which
 * an instance that had the same identifier before can have done.
 */
export async function newAutomatedSnapshot(
  control: Control,
  instance: DbInstanceRecord,
): Promise<{ record: DbSnapshotRecord; writes: Mutation } | undefined> {
  const id = nameAt(instance.id, control.clock.now())
  if (await dbSnapshots(control, instance).get(id)) return undefined
  const record = snapshotOf(control, instance, {
    id,
    type: 'automated',
    resourceId: newResourceId('snap', control.random),
    tags: instance.settings.CopyTagsToSnapshot ? instance.tags : [],
  })
  return {
    record,
    writes: together(
      dbSnapshots(control, instance).create(id, record),
      snapshotEvent(control, OF_INSTANCES, record, 'creating'),
    ),
  }
}

/** `rds:orders-2026-01-01-05-30`, in UTC. */
const nameAt = (instanceId: string, now: number): string =>
  `${PREFIX}${instanceId}-${new Date(now).toISOString().slice(0, 16).replaceAll(/[T:]/g, '-')}`

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
  const removable = snapshots.filter(
    (held) => (held.value.status === 'available' || held.value.status === 'failed') && held !== newest,
  )
  const leftMs = ({ value }: Held<DbSnapshotRecord>): number =>
    value.createdAt + keeping.retentionDays * DAY_MS - keeping.now
  return {
    expired: removable.filter((held) => leftMs(held) <= 0),
    nextMs: Math.min(Infinity, ...removable.map(leftMs).filter((ms) => ms > 0)),
  }
}

/** Writes that start the deletion of all of these. */
export const startDeletions = (control: Control, snapshots: readonly Held<DbSnapshotRecord>[]): Mutation =>
  together(...snapshots.map((held) => startDeletion(control, OF_INSTANCES, held).writes))
