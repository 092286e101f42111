import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { MINUTE_MS } from '#base/durations.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { SnapshotPlace } from '#wire/agent/archive.ts'
import { expiredBases, needsBase } from '../automated-backup/keeping.ts'
import { baseBackupId, baseBackups, basesOf, type BaseBackupRecord } from '../automated-backup/record.ts'
import { markLog, removeMark, restoreWindow } from '../automated-backup/window.ts'
import { openedAt, parseBackupWindow, untilOpen, untilOpening } from '../db-instance/identifiers.ts'
import { subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { statusOf } from '../db-instance/status.ts'
import {
  automatedSnapshots,
  baseOf,
  expiryOf,
  freshIn,
  newAutomatedSnapshot,
  startDeletions,
} from '../db-snapshot/automated.ts'
import { OF_INSTANCES } from '../db-snapshot/kind.ts'
import { sourceOf, type DbSnapshotRecord } from '../db-snapshot/record.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { busyLookMs, engineDeadlineMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Snapshots = readonly Held<DbSnapshotRecord>[]
type Bases = readonly Held<BaseBackupRecord>[]

/** The shortest window: a machine that slept or whose clock was set still looks into every one while it is awake. */
const LOOK_MS_MAX = 30 * MINUTE_MS

/**
 * A durable timer: takes an automated snapshot each time the backup window opens, and has the old ones deleted. Each goes
 * to the archive as a base backup; where there is none yet, or the log has a gap behind it, one is taken at once. Ends
 * when backups are off, or the instance is gone, and nothing is left to wait for.
 *
 * A snapshot's time runs while the instance is stopped too, unlike in AWS; the newest that can be restored is kept for
 * as long as the instance has backups, so that a long stop never leaves it with none.
 */
export const backUpDbInstance = flow(
  'back-up-db-instance',
  {
    exhausted: 'watch',
    policy: { deadlineMs: timerDeadlineMs },
    steps: { copy: { deadlineMs: engineDeadlineMs }, store: { deadlineMs: engineDeadlineMs } },
  },
  {
    watch: async (c: C): Promise<Next<'watch' | 'copy' | 'store' | 'trim'>> => {
      const { control } = c
      const held = await instanceOf(c)
      const snapshots = await automatedSnapshots(control, OF_INSTANCES, c.input.key)
      const bases = await basesOf(control, c.input.key)
      const retentionDays = retentionOf(held, snapshots, bases)
      const keepsNewest = held !== undefined && retentionDays > 0
      const now = control.clock.now()
      const { expired, nextMs } = expiryOf(snapshots, { retentionDays, keepsNewest, now })
      // Entering the step anew begins its time anew: this timer lives as long as its instance.
      if (expired.length > 0) return go('watch', startDeletions(control, OF_INSTANCES, expired))
      if (expiredBases(valuesOf(bases), await keepingOf(c, held, retentionDays)).length > 0) return go('trim')
      const isKept = held && retentionDays > 0 && held.value.phase !== 'deleting'
      if (isKept) {
        const look = await lookIntoWindow(c, held, { snapshots, nextMs })
        return look.next === 'wait' ? ((await nextBase(c, held.value, { snapshots, bases })) ?? look) : look
      }
      if (snapshots.every(({ value }) => value.status === 'deleting') && bases.length === 0)
        return done('nothing is left to keep', await removeMark(control, c.input.key))
      return wait({ timeoutMs: Math.min(nextMs, LOOK_MS_MAX) })
    },

    /** A copy for the archive alone, beside whatever the instance does. */
    copy: async (c: C): Promise<Next<'watch' | 'store'>> => {
      const held = await instanceOf(c)
      const id = `base-${c.input.key.resourceId}-${c.enteredAt}`
      if (!held || held.value.phase === 'deleting') return forgetCopy(c, id)
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: `copy-${c.enteredAt}-${c.failures}`,
        kind: 'instance.snapshot',
        input: async () => ({ id: record.resourceId, snapshotId: id }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`copy the instance: ${outcome.error.message}`)
      const { log } = outcome.result
      return go('store', addBase(c, { ...newBase(record, log, c.enteredAt), id, isTemporary: true }))
    },

    store: async (c: C): Promise<Next<'watch' | 'settle'>> => {
      const base = (await basesOf(c.control, c.input.key)).find(({ value }) => !value.isStored && !value.isExpired)
      if (!base) return go('watch')
      const { id, zone, isTemporary } = base.value
      const outcome = await jobOn(
        c,
        { zone, resourceId: c.input.key.resourceId },
        {
          name: `store-${id}-${c.failures}`,
          kind: 'backup.store',
          input: async () => ({ prefix: archivePrefix(c.input.key), snapshotId: id, isTemporary }),
        },
      )
      if (outcome.state === 'pending') return wait()
      const collection = baseBackups(c.control, c.input.key)
      // A snapshot that is gone was deleted meanwhile.
      if (outcome.state === 'failed' && outcome.error.code === 'snapshot-missing')
        return go('settle', collection.remove(base))
      if (outcome.state === 'failed') throw new Error(`store the base backup ${id}: ${outcome.error.message}`)
      return go('settle', collection.update(base, { ...base.value, isStored: true }))
    },

    /** Removes what is too old from the archive. */
    trim: async (c: C): Promise<Next<'watch' | 'settle'>> => {
      const { control } = c
      const held = await instanceOf(c)
      const bases = await basesOf(control, c.input.key)
      const retentionDays = retentionOf(held, await automatedSnapshots(control, OF_INSTANCES, c.input.key), bases)
      const expired = expiredBases(valuesOf(bases), await keepingOf(c, held, retentionDays))
      const zone = held?.value.zone ?? bases.at(-1)?.value.zone
      if (expired.length === 0 || zone === undefined) return go('watch')
      const keep = valuesOf(bases).filter((base) => !expired.includes(base))
      const outcome = await jobOn(
        c,
        { zone, resourceId: c.input.key.resourceId },
        {
          name: `trim-${c.enteredAt}-${c.failures}`,
          kind: 'archive.trim',
          input: async () => ({ prefix: archivePrefix(c.input.key), keep: keep.map(({ id }) => id) }),
        },
      )
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`trim the archive: ${outcome.error.message}`)
      const removed = bases.filter(({ value }) => !keep.includes(value))
      return go('settle', together(...removed.map((base) => baseBackups(control, c.input.key).remove(base))))
    },

    /** Ended jobs are dropped from the hosts' tables here: this flow lives too long to leave that to its own end. */
    settle: async (c: C): Promise<Next<'watch'>> => {
      const held = await instanceOf(c)
      const bases = valuesOf(await basesOf(c.control, c.input.key))
      const zones = new Set([...bases.map(({ zone }) => zone), ...(held ? [held.value.zone] : [])])
      for (const zone of zones) await c.control.hosts.forgetJobs(zone, `${c.input.key.resourceId}/${c.flowId}/`)
      return go('watch')
    },
  },
)

const valuesOf = (bases: Bases): BaseBackupRecord[] => bases.map(({ value }) => value)

/** What a deleted instance left is kept for as long as it would have been with it. */
function retentionOf(held: Held<DbInstanceRecord> | undefined, snapshots: Snapshots, bases: Bases): number {
  const settings = (held?.value ?? snapshots.at(-1)?.value.instance ?? bases.at(-1)?.value.instance)?.settings
  return settings?.BackupRetentionPeriod ?? 0
}

async function keepingOf(
  c: C,
  held: Held<DbInstanceRecord> | undefined,
  retentionDays: number,
): Promise<Parameters<typeof expiredBases>[1]> {
  const now = c.control.clock.now()
  const window = held ? undefined : await restoreWindow(c.control, c.input.key, undefined)
  return { retentionDays, now, endedAt: window?.to }
}

/** The instance is being deleted: a copy that is there already is of no use any more. */
async function forgetCopy(c: C, snapshotId: string): Promise<Next<'watch'>> {
  const place = { zone: c.control.hosts.zones[0]!, resourceId: c.input.key.resourceId }
  const outcome = await jobOn(c, place, {
    name: `forget-${snapshotId}-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId }),
  })
  if (outcome.state === 'failed') throw new Error(`remove ${snapshotId}: ${outcome.error.message}`)
  return outcome.state === 'pending' ? wait() : go('watch')
}

type NewBase = Pick<BaseBackupRecord, 'zone' | 'log' | 'takenAt' | 'isStored' | 'isExpired' | 'instance' | 'tags'>

function newBase(record: DbInstanceRecord, log: SnapshotPlace | undefined, takenAt: number): NewBase {
  const instance = sourceOf(record)
  return { zone: record.zone, log, takenAt, isStored: false, isExpired: false, instance, tags: record.tags }
}

const addBase = (c: C, base: BaseBackupRecord): Mutation =>
  baseBackups(c.control, c.input.key).create(baseBackupId(c.input.key.resourceId, base.id), base)

const GAP =
  'A part of the log was lost before it could be archived: times since then can be restored from the next backup on, which is being taken.'

/** What the archive needs before the next window; undefined: nothing. */
async function nextBase(
  c: C,
  record: DbInstanceRecord,
  { snapshots, bases }: { snapshots: Snapshots; bases: Bases },
): Promise<Next<'copy' | 'store'> | undefined> {
  const { control } = c
  if (bases.some(({ value }) => !value.isStored && !value.isExpired)) return go('store')
  const fresh = freshIn(control, snapshots, bases)
  if (fresh) return go('store', addBase(c, baseOf(fresh)))
  const observed = control.hosts.observed(record.zone, record.resourceId)
  if (!observed?.accepting || record.phase !== 'available') return undefined
  const isNeeded = control.simulated ? bases.length === 0 : needsBase(valuesOf(bases), observed.archive)
  if (!isNeeded) return undefined
  return bases.length === 0 ? go('copy') : go('copy', instanceEvent(control, record, 'RDS-EVENT-0086', GAP))
}

async function lookIntoWindow(
  c: C,
  held: Held<DbInstanceRecord>,
  { snapshots, nextMs }: { snapshots: Snapshots; nextMs: number },
): Promise<Next<'watch'>> {
  const { control } = c
  const record = held.value
  const now = control.clock.now()
  const window = parseBackupWindow(record.settings.PreferredBackupWindow)
  const marked = await markLog(control, c.input.key, await restoreWindow(control, c.input.key, record))
  const rest = (ms: number): Next<never> => wait({ timeoutMs: Math.min(ms, nextMs, LOOK_MS_MAX) }, marked)
  if (untilOpen(window, now) > 0) return rest(untilOpen(window, now))
  const wasTaken = snapshots.some(({ value }) => value.createdAt >= openedAt(window, now))
  // AWS: RDS User Guide, "Backup window": no backup of an instance that is stopped.
  if (wasTaken || record.phase === 'stopped') return rest(untilOpening(window, now))
  if (statusOf(control, record) !== 'available') return rest(busyLookMs)
  const { account, region, zone, tags } = record
  const of = { account, region, zone, tags, instance: sourceOf(record) }
  const snapshot = await newAutomatedSnapshot(control, OF_INSTANCES, of)
  if (!snapshot) return rest(busyLookMs)
  const { id, resourceId } = snapshot.record
  const copy = control.flows.start('create-db-snapshot', subjectOf(c.input.key), {
    key: c.input.key,
    snapshot: { name: id, resourceId },
    phaseAfter: 'available',
    isBackup: true,
  })
  return go(
    'watch',
    together(
      change(c, held, { phase: 'backing-up' }),
      snapshot.writes,
      instanceEvent(control, record, 'RDS-EVENT-0001'),
      copy.writes,
    ),
  )
}
