import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import type { BaseFacts } from '#wire/agent/archive.ts'
import { expiredBases } from '../automated-backup/keeping.ts'
import { baseBackupId, baseBackups, basesOf, logMarks, type BaseBackupRecord } from '../automated-backup/record.ts'
import { backupReplicas, removeCopy, type BackupReplicaRecord } from '../automated-backup/replica.ts'
import { removeMark, restoreWindow } from '../automated-backup/window.ts'
import { findByKey } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { sourceOf } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { engineDeadlineMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

/** Between two copies of what is new: how far the other region is behind, besides the time that copying takes. */
const PAUSE_MS = 10 * SECOND_MS

/** What only grows older is looked at less often. */
const STOPPED_PAUSE_MS = 30 * MINUTE_MS

const replicaOf = (c: C): Promise<Held<BackupReplicaRecord> | undefined> =>
  backupReplicas(c.control, c.input.key).get(c.input.key.resourceId)

/**
 * Keeps the automated backups of an instance in another region, whose key this is: copies what is new again and again,
 * and removes what is too old there. Ends when nothing of it is left.
 */
export const replicateDbBackups = flow(
  'replicate-db-backups',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs }, steps: { copy: { deadlineMs: engineDeadlineMs } } },
  {
    copy: async (c: C): Promise<Next<'trim' | 'rest'>> => {
      const { control } = c
      const { key } = c.input
      const held = await replicaOf(c)
      if (!held) return done('deleted')
      const { source, zone, isStopped } = held.value
      if (isStopped) return go('trim')
      const present = await findByKey(control, source)
      const outcome = await jobOn(
        c,
        { zone, resourceId: key.resourceId },
        {
          name: `mirror-${c.enteredAt}-${c.failures}`,
          kind: 'archive.mirror',
          input: async () => ({
            from: archivePrefix(source),
            to: archivePrefix(key),
            // Asked before anything is copied: what is restorable there by now will be here.
            until: (await restoreWindow(control, source, present?.value))?.to,
          }),
        },
      )
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`copy the backups: ${outcome.error.message}`)
      const { bases, until } = outcome.result
      const instance = present ? sourceOf(present.value) : held.value.instance
      const writes = [await recordBases(c, { ...held.value, instance }, bases), await mark(c, until)]
      // A source that is gone had its last copied now; it gives nothing more.
      const replica = { ...held.value, instance, isStopped: !present }
      if (!present) writes.push(await removeCopy(control, key, held.value))
      return go('trim', backupReplicas(control, key).update(held, replica), ...writes)
    },

    trim: async (c: C): Promise<Next<'rest'>> => {
      const { control } = c
      const { key } = c.input
      const held = await replicaOf(c)
      if (!held) return done('deleted')
      const { zone, isStopped, retentionDays } = held.value
      const bases = (await basesOf(control, key)).map(({ value }) => value)
      const endedAt = isStopped ? (await restoreWindow(control, key, undefined))?.to : undefined
      const expired = expiredBases(bases, { retentionDays, now: control.clock.now(), endedAt })
      if (expired.length === 0) return go('rest')
      const keep = bases.filter((base) => !expired.includes(base)).map(({ id }) => id)
      const outcome = await jobOn(
        c,
        { zone, resourceId: key.resourceId },
        {
          name: `trim-${c.enteredAt}-${c.failures}`,
          kind: 'archive.trim',
          input: async () => ({ prefix: archivePrefix(key), keep }),
        },
      )
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`trim the copied backups: ${outcome.error.message}`)
      const removed = (await basesOf(control, key)).filter(({ value }) => !keep.includes(value.id))
      const writes = removed.map((base) => baseBackups(control, key).remove(base))
      return go('rest', ...writes)
    },

    /** Waits for the next time, or ends where nothing is left to wait for. */
    rest: async (c: C): Promise<Next<'copy'>> => {
      const { control } = c
      const { key } = c.input
      const held = await replicaOf(c)
      if (!held) return done('deleted')
      await control.hosts.forgetJobs(held.value.zone, `${key.resourceId}/${c.flowId}/`)
      const bases = await basesOf(control, key)
      if (held.value.isStopped && bases.length === 0)
        return done('expired', backupReplicas(control, key).remove(held), await removeMark(control, key))
      const pauseMs = held.value.isStopped ? STOPPED_PAUSE_MS : PAUSE_MS
      const left = c.enteredAt + pauseMs - control.clock.now()
      const isWanted = bases.every(({ value }) => !value.isExpired)
      return left > 0 && isWanted ? wait({ timeoutMs: left }) : go('copy')
    },
  },
)

/** Records of the base backups that the copy has and that are not known here yet. */
async function recordBases(c: C, replica: BackupReplicaRecord, found: readonly BaseFacts[]): Promise<Mutation> {
  const { control } = c
  const { key } = c.input
  const { zone, instance, source } = replica
  const known = new Set((await basesOf(control, key)).map(({ value }) => value.id))
  const facts = { zone, instance, isTemporary: false, isStored: true, isExpired: false, tags: [] }
  const records = control.simulated
    ? // Engines without a log have nothing in the archive either: what is known of the source is all there is.
      (await basesOf(control, source)).map(({ value }): BaseBackupRecord => ({ ...value, ...facts }))
    : found.map(({ id, timeline, start, end, usableFrom }): BaseBackupRecord => {
        return { ...facts, id, log: { timeline, start, end, endedAt: usableFrom }, takenAt: usableFrom }
      })
  const collection = baseBackups(control, key)
  const fresh = records.filter(({ id }) => !known.has(id))
  return together(...fresh.map((base) => collection.create(baseBackupId(key.resourceId, base.id), base)))
}

async function mark(c: C, until: number | undefined): Promise<Mutation> {
  const marks = logMarks(c.control, c.input.key)
  const held = await marks.get(c.input.key.resourceId)
  if (until === undefined || (held && held.value.until >= until)) return NOTHING
  return held ? marks.update(held, { until }) : marks.create(c.input.key.resourceId, { until })
}
