import { MINUTE_MS } from '#base/durations.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { expiredBases, needsBase } from '../automated-backup/keeping.ts'
import { baseBackupId, baseBackups, basesOf, logMarks, type BaseBackupRecord } from '../automated-backup/record.ts'
import { markLog, removeMark } from '../automated-backup/window.ts'
import { clusterSourceOf, memberToCopy } from '../db-cluster/backups.ts'
import { memberIn, type Member } from '../db-cluster/record.ts'
import { writerServes } from '../db-cluster/sight.ts'
import { openedAt, parseBackupWindow, untilOpen, untilOpening } from '../db-instance/identifiers.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { jobOn, type JobOutcome } from './context.ts'
import { clusterOf, type ClusterContext as C, type HeldCluster } from './db-cluster-context.ts'
import { LOOK_MS } from './db-cluster-duty.ts'
import { engineDeadlineMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'watch' | 'copy' | 'store' | 'drop' | 'trim' | 'settle' | 'rest'
type Base = Held<BaseBackupRecord>

/** The shortest window: a machine that slept or whose clock was set still looks into every one while it is awake. */
const LOOK_MS_MAX = 30 * MINUTE_MS

/**
 * A durable timer: takes a base backup of a DB cluster each time the backup window opens, and at once where there is none
 * yet, or the log has a gap behind it; removes those that are too old. The log itself is archived by whoever is the
 * writer. A reader that streams is copied, so that the writer does not have to read all of it. Ends with its cluster,
 * whose deletion removes everything.
 */
export const backUpDbCluster = flow(
  'back-up-db-cluster',
  {
    exhausted: 'rest',
    policy: { deadlineMs: timerDeadlineMs },
    steps: { copy: { deadlineMs: engineDeadlineMs }, store: { deadlineMs: engineDeadlineMs } },
  },
  {
    watch: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl || cl.cluster.phase === 'deleting') return done('the cluster is gone')
      const bases = await basesOf(c.control, c.input.key)
      const begun = bases.find(({ value }) => !value.isStored)
      if (begun) return go(begun.value.isBeingCopied ? 'copy' : 'store')
      if (expired(c, cl, bases).length > 0) return go('trim')
      const { cluster } = cl
      if (cluster.settings.BackupRetentionPeriod === 0)
        return done('backups are off', await removeMark(c.control, c.input.key))
      const marked = await mark(c, cl)
      if (cluster.phase !== 'available' || !writerServes(c.control, cluster))
        return wait({ timeoutMs: LOOK_MS }, marked)
      const now = c.control.clock.now()
      const window = parseBackupWindow(cluster.settings.PreferredBackupWindow)
      const newest = bases.at(-1)?.value.takenAt ?? 0
      const isDue = untilOpen(window, now) === 0 && newest < openedAt(window, now)
      if (isDue || isMissing(c, cl, bases)) return go('copy', marked, begin(c, cl, now))
      const openMs = untilOpen(window, now) > 0 ? untilOpen(window, now) : untilOpening(window, now)
      // Of a log that does not go on nothing is reported here.
      return wait({ timeoutMs: Math.min(openMs, bases.length > 0 ? LOOK_MS_MAX : LOOK_MS) }, marked)
    },

    /** Which member is copied was written down before: two jobs must not write to one snapshot. */
    copy: async (c: C): Promise<Next<Step>> => {
      const [cl, base] = [await clusterOf(c), await baseThat(c, ({ isBeingCopied }) => isBeingCopied === true)]
      if (!cl || !base) return go('watch')
      const { id, zone } = base.value
      const member = memberIn(cl.cluster, zone)
      const outcome = await jobOn(c, memberOfCluster(c, member), {
        name: `copy-${id}`,
        kind: 'instance.snapshot',
        input: async () => ({ id: member.resourceId, snapshotId: id }),
      })
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      // It may have become the writer, or have been made anew: another copy is taken.
      if (outcome.state === 'failed') return go('drop')
      const { isBeingCopied: _over, ...taken } = base.value
      const { log } = outcome.result
      return go('store', baseBackups(c.control, c.input.key).update(base, { ...taken, log }))
    },

    store: async (c: C): Promise<Next<Step>> => {
      const base = await baseThat(c, ({ isBeingCopied }) => isBeingCopied !== true)
      if (!base) return go('watch')
      const { id, zone } = base.value
      const outcome = await jobOn(
        c,
        { zone, resourceId: c.input.key.resourceId },
        {
          name: `store-${id}-${c.failures}`,
          kind: 'backup.store',
          input: async () => ({ prefix: archivePrefix(c.input.key), snapshotId: id, isTemporary: true }),
        },
      )
      if (outcome.state === 'pending') return wait()
      const collection = baseBackups(c.control, c.input.key)
      if (outcome.state === 'failed' && outcome.error.code === 'snapshot-missing')
        return go('settle', collection.remove(base))
      if (outcome.state === 'failed') throw new Error(`store the base backup ${id}: ${outcome.error.message}`)
      return go('settle', collection.update(base, { ...base.value, isStored: true }))
    },

    /** What is left of a copy that failed goes. Another is not taken at once: what made it fail may last. */
    drop: async (c: C): Promise<Next<Step>> => {
      const base = await baseThat(c, ({ isBeingCopied }) => isBeingCopied === true)
      if (!base) return go('rest')
      const outcome = await forgetCopy(c, { snapshotId: base.value.id, zone: base.value.zone })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove ${base.value.id}: ${outcome.error.message}`)
      return go('rest', baseBackups(c.control, c.input.key).remove(base))
    },

    /** Removes what is too old from the archive. */
    trim: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      const bases = await basesOf(c.control, c.input.key)
      const old = cl ? expired(c, cl, bases) : []
      if (!cl || old.length === 0) return go('watch')
      const keep = bases.filter(({ value }) => !old.includes(value))
      const outcome = await jobOn(
        c,
        { zone: cl.cluster.writer, resourceId: c.input.key.resourceId },
        {
          name: `trim-${c.enteredAt}-${c.failures}`,
          kind: 'archive.trim',
          input: async () => ({ prefix: archivePrefix(c.input.key), keep: keep.map(({ value }) => value.id) }),
        },
      )
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`trim the archive: ${outcome.error.message}`)
      const removed = bases.filter(({ value }) => old.includes(value))
      return go('settle', together(...removed.map((base) => baseBackups(c.control, c.input.key).remove(base))))
    },

    /** Ended jobs are dropped from the hosts' tables here: this flow lives too long to leave that to its own end. */
    settle: async (c: C): Promise<Next<Step>> => {
      for (const zone of c.control.hosts.zones)
        if (c.control.hosts.isConnected(zone))
          await c.control.hosts.forgetJobs(zone, `${c.input.key.resourceId}/${c.flowId}/`)
      return go('watch')
    },

    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('settle')
    },
  },
)

/** One that was begun and is not stored yet. There is at most one. */
async function baseThat(c: C, is: (base: BaseBackupRecord) => boolean): Promise<Base | undefined> {
  return (await basesOf(c.control, c.input.key)).find(({ value }) => !value.isStored && is(value))
}

const valuesOf = (bases: readonly Base[]): BaseBackupRecord[] => bases.map(({ value }) => value)

const expired = (c: C, { cluster }: HeldCluster, bases: readonly Base[]): BaseBackupRecord[] =>
  expiredBases(valuesOf(bases), {
    retentionDays: cluster.settings.BackupRetentionPeriod,
    now: c.control.clock.now(),
    endedAt: undefined,
  })

/** How far the log goes, for moments in which no agent says so. Much is reported of a cluster: not with each report. */
async function mark(c: C, { cluster }: HeldCluster): Promise<Mutation> {
  const { control, input } = c
  const held = await logMarks(control, input.key).get(input.key.resourceId)
  if (held && held.value.until > control.clock.now() - MINUTE_MS) return NOTHING
  return markLog(control, input.key, memberIn(cluster, cluster.writer))
}

/** Nothing can be restored, or not what was written last. */
function isMissing(c: C, { cluster }: HeldCluster, bases: readonly Base[]): boolean {
  if (c.control.simulated) return bases.length === 0
  const { zone, resourceId } = memberIn(cluster, cluster.writer)
  return needsBase(valuesOf(bases), c.control.hosts.observed(zone, resourceId)?.archive)
}

/** The copy that is about to be taken. */
function begin(c: C, { cluster }: HeldCluster, now: number): Mutation {
  const { zone } = memberToCopy(c.control, cluster)
  const id = `base-${cluster.resourceId}-${now}`
  const facts = { log: undefined, takenAt: now, isTemporary: true, isStored: false, isExpired: false }
  const base = { ...facts, id, zone, isBeingCopied: true, instance: clusterSourceOf(cluster), tags: cluster.tags }
  return baseBackups(c.control, c.input.key).create(baseBackupId(cluster.resourceId, id), base)
}

/** Jobs of this flow are the cluster's, not the member's, whose own are forgotten by the flow that keeps it. */
const memberOfCluster = (c: C, { zone }: Member): { zone: string; resourceId: string } => ({
  zone,
  resourceId: c.input.key.resourceId,
})

export const forgetCopy = (
  c: C,
  { snapshotId, zone }: { readonly snapshotId: string; readonly zone: string },
): Promise<JobOutcome<'snapshot.remove'>> =>
  jobOn(
    c,
    { zone, resourceId: c.input.key.resourceId },
    {
      name: `forget-${snapshotId}-${c.failures}`,
      kind: 'snapshot.remove',
      input: async () => ({ snapshotId }),
    },
  )
