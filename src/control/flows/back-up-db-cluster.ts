import { MINUTE_MS } from '#base/durations.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { expiredBases, needsBase } from '../automated-backup/keeping.ts'
import { baseBackupId, baseBackups, basesOf, type BaseBackupRecord } from '../automated-backup/record.ts'
import { markNowAndThen, removeMark } from '../automated-backup/window.ts'
import { findBackedUp, type BackedUpCluster, type CopiedMember } from '../cluster/backed-up.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import type { InstanceKey } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { automatedSnapshots, baseOf, freshIn, isAtRest, startDeletions } from '../db-snapshot/automated.ts'
import { clusterSnapshotDue, takeClusterSnapshot } from './automated-cluster-snapshot.ts'
import { jobOn, type JobOutcome } from './context.ts'
import type { ClusterContext as C } from './db-cluster-context.ts'
import { LOOK_MS } from './db-cluster-duty.ts'
import { engineDeadlineMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'watch' | 'copy' | 'store' | 'drop' | 'trim' | 'settle' | 'rest'
type Base = Held<BaseBackupRecord>

/** The shortest window: a machine that slept or whose clock was set still looks into every one while it is awake. */
const LOOK_MS_MAX = 30 * MINUTE_MS

/**
 * A durable timer: has an automated snapshot of a DB cluster taken each time the backup window opens, which goes to the archive
 * as a base backup; where there is none yet, or the log has a gap behind it, one is taken at once. Removes those that are too
 * old. The log itself is archived by others: beside the writer, or out of the log nodes. A reader that streams is copied, so that
 * the writer does not have to read all of it. Ends with its cluster, whose deletion removes everything.
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
      const cluster = await clusterOf(c)
      if (!cluster || cluster.isDeleting) return done('the cluster is gone')
      const { strand } = cluster
      const bases = await basesOf(c.control, strand)
      const begun = bases.find(({ value }) => !value.isStored)
      if (begun) return go(begun.value.copiedFrom === undefined ? 'store' : 'copy')
      if (await expiredIn(c, cluster)) return go('trim')
      const snapshots = await automatedSnapshots(c.control, OF_CLUSTERS, c.input.key)
      const due = clusterSnapshotDue(c, cluster, snapshots)
      if (due.expired.length > 0) return go('watch', startDeletions(c.control, OF_CLUSTERS, due.expired))
      if (cluster.source.settings.BackupRetentionPeriod === 0)
        return due.isTaking
          ? wait({ timeoutMs: LOOK_MS })
          : done('backups are off', await removeMark(c.control, strand))
      // What was copied before a backtrack is of another log.
      const since = cluster.pastStrands.at(-1)?.until ?? 0
      const ofStrand = snapshots.filter(({ value }) => value.createdAt >= since)
      const fresh = freshIn(c.control, ofStrand, bases)
      if (fresh) return go('store', addBase(c, strand, baseOf(fresh)))
      const marked = await mark(c, cluster)
      const { member } = cluster
      if (!member) return wait({ timeoutMs: LOOK_MS }, marked)
      const taking = due.leftMs > 0 ? undefined : await takeClusterSnapshot(c, { cluster, member, failed: due.failed })
      if (taking) return go('watch', marked, taking)
      if (!due.isTaking && (await isMissing(c, cluster, bases))) return go('copy', marked, begin(c, cluster, member))
      // Of a log that does not go on nothing is reported here.
      const lookMs = bases.length > 0 && !due.isTaking ? LOOK_MS_MAX : LOOK_MS
      return wait({ timeoutMs: Math.min(due.leftMs > 0 ? due.leftMs : LOOK_MS, lookMs) }, marked)
    },

    /** Which member is copied was written down before: two jobs must not write to one snapshot. */
    copy: async (c: C): Promise<Next<Step>> => {
      const cluster = await clusterOf(c)
      const base = cluster && (await baseThat(c, cluster, isBeingCopied))
      if (!cluster || !base) return go('watch')
      const { id, copiedFrom } = base.value
      const outcome = await jobOn(c, placeOf(c, base.value), {
        name: `copy-${id}`,
        kind: 'instance.snapshot',
        input: async () => ({ ...(await cluster.copyOf(copiedFrom!)), snapshotId: id }),
      })
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      // It may have become the writer, or have been made anew: another copy is taken.
      if (outcome.state === 'failed') return go('drop')
      const { copiedFrom: _over, ...taken } = base.value
      const { log } = outcome.result
      return go('store', baseBackups(c.control, c.input.key).update(base, { ...taken, log }))
    },

    store: async (c: C): Promise<Next<Step>> => {
      const cluster = await clusterOf(c)
      const base = cluster && (await baseThat(c, cluster, (one) => !isBeingCopied(one)))
      if (!cluster || !base) return go('watch')
      const { id, isTemporary } = base.value
      const outcome = await jobOn(c, placeOf(c, base.value), {
        name: `store-${id}-${c.failures}`,
        kind: 'backup.store',
        input: async () => ({ prefix: archivePrefix(cluster.strand), snapshotId: id, isTemporary }),
      })
      if (outcome.state === 'pending') return wait()
      const collection = baseBackups(c.control, c.input.key)
      if (outcome.state === 'failed' && outcome.error.code === 'snapshot-missing')
        return go('settle', collection.remove(base))
      if (outcome.state === 'failed') throw new Error(`store the base backup ${id}: ${outcome.error.message}`)
      return go('settle', collection.update(base, { ...base.value, isStored: true }))
    },

    /** What is left of a copy that failed goes. Another is not taken at once: what made it fail may last. */
    drop: async (c: C): Promise<Next<Step>> => {
      const cluster = await clusterOf(c)
      const base = cluster && (await baseThat(c, cluster, isBeingCopied))
      if (!base) return go('rest')
      const outcome = await forgetCopy(c, { snapshotId: base.value.id, zone: base.value.zone })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove ${base.value.id}: ${outcome.error.message}`)
      return go('rest', baseBackups(c.control, c.input.key).remove(base))
    },

    /** Removes what is too old from the archive; all of what the cluster was before a backtrack, once nothing of that is needed. */
    trim: async (c: C): Promise<Next<Step>> => {
      const cluster = await clusterOf(c)
      const found = cluster && (await expiredIn(c, cluster))
      if (!cluster || !found) return go('watch')
      const { strand, old, keep } = found
      if (keep.length === 0) {
        const removal = await removeStrand(c, strand, cluster.zone)
        return removal === 'pending' ? wait() : go('settle', removal, await cluster.forget(strand))
      }
      const outcome = await jobOn(c, placeOf(c, cluster), {
        name: `trim-${c.enteredAt}-${c.failures}`,
        kind: 'archive.trim',
        input: async () => ({ prefix: archivePrefix(strand), keep: keep.map(({ value }) => value.id) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`trim the archive: ${outcome.error.message}`)
      return go('settle', together(...old.map((base) => baseBackups(c.control, c.input.key).remove(base))))
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
async function baseThat(
  c: C,
  { strand }: BackedUpCluster,
  is: (base: BaseBackupRecord) => boolean,
): Promise<Base | undefined> {
  return (await basesOf(c.control, strand)).find(({ value }) => !value.isStored && is(value))
}

const clusterOf = (c: C): Promise<BackedUpCluster | undefined> => findBackedUp(c.control, c.input.key)

const isBeingCopied = ({ copiedFrom }: BaseBackupRecord): boolean => copiedFrom !== undefined

/** Jobs of this flow are the cluster's, not the member's, whose own are forgotten by the flow that keeps it. */
const placeOf = (c: C, { zone }: { readonly zone: string }): CopiedMember => ({
  zone,
  resourceId: c.input.key.resourceId,
})

const valuesOf = (bases: readonly Base[]): BaseBackupRecord[] => bases.map(({ value }) => value)

interface Expired {
  readonly strand: InstanceKey
  readonly old: readonly Base[]
  readonly keep: readonly Base[]
}

/** What no restore and no backtrack needs any more, of the first strand that has such. Undefined: there is nothing. */
async function expiredIn(
  { control }: C,
  { strand: present, pastStrands, keptDays, source }: BackedUpCluster,
): Promise<Expired | undefined> {
  // Who turns backups off has none, whatever a window says.
  const retentionDays = source.settings.BackupRetentionPeriod === 0 ? 0 : keptDays
  const now = control.clock.now()
  const strands = [...pastStrands, { strand: present, until: undefined }]
  for (const { strand, until: endedAt } of strands) {
    const bases = await basesOf(control, strand)
    const gone = expiredBases(valuesOf(bases), { retentionDays, now, endedAt })
    const [old, keep] = [true, false].map((is) => bases.filter(({ value }) => gone.includes(value) === is))
    const isOver = strand !== present && keep!.length === 0
    if (old!.length > 0 || isOver) return { strand, old: old!, keep: keep! }
  }
  return undefined
}

/** How far the log goes, for moments in which no agent says so. Much is reported of a cluster: not with each report. */
const mark = ({ control }: C, cluster: BackedUpCluster): Promise<Mutation> =>
  markNowAndThen(control, cluster.strand, () => cluster.window())

/** Nothing can be restored, or not what was written last. */
const isMissing = async (c: C, cluster: BackedUpCluster, bases: readonly Base[]): Promise<boolean> =>
  c.control.simulated ? bases.length === 0 : needsBase(valuesOf(bases), await cluster.archive())

/** The copy that is about to be taken. */
function begin(c: C, { source, tags, strand }: BackedUpCluster, { zone, resourceId }: CopiedMember): Mutation {
  const takenAt = c.control.clock.now()
  const id = `base-${source.resourceId}-${takenAt}`
  const facts = { log: undefined, takenAt, isTemporary: true, isStored: false, isExpired: false }
  return addBase(c, strand, { ...facts, id, zone, copiedFrom: resourceId, instance: source, tags })
}

const addBase = (c: C, { resourceId }: InstanceKey, base: BaseBackupRecord): Mutation =>
  baseBackups(c.control, c.input.key).create(baseBackupId(resourceId, base.id), base)

/**
 * Removes what the archive has of a cluster that is being deleted, and the copies that were on their way there. Gives the
 * writes that forget them, once that is done.
 */
export async function removeBackups(c: C, zone: string): Promise<Mutation | 'pending'> {
  const { key } = c.input
  const cluster = await clusterOf(c)
  const strands = cluster ? [...cluster.pastStrands.map(({ strand }) => strand), cluster.strand] : [key]
  const removals = await Promise.all(strands.map((strand) => removeStrand(c, strand, zone)))
  const removed = removals.filter((removal) => removal !== 'pending')
  if (removed.length < removals.length) return 'pending'
  const snapshots = await automatedSnapshots(c.control, OF_CLUSTERS, key)
  // One that is being taken is removed by who takes it, once he sees that the cluster goes.
  for (const { value } of snapshots) c.control.flows.wakeSubjects(OF_CLUSTERS.subjectOf(value))
  const taken = snapshots.filter(({ value }) => isAtRest(value))
  return together(...removed, startDeletions(c.control, OF_CLUSTERS, taken))
}

/** The same of one strand, without the snapshots that users see. */
async function removeStrand(c: C, strand: InstanceKey, zone: string): Promise<Mutation | 'pending'> {
  const bases = await basesOf(c.control, strand)
  const outcomes = await Promise.all([
    ...bases
      .filter(({ value }) => value.isTemporary)
      .map(({ value: { id, zone: at } }) => forgetCopy(c, { snapshotId: id, zone: at })),
    jobOn(c, placeOf(c, { zone }), {
      name: `trim-${strand.resourceId}-${c.failures}`,
      kind: 'archive.trim',
      input: async () => ({ prefix: archivePrefix(strand), keep: [] }),
    }),
  ])
  for (const outcome of outcomes)
    if (outcome.state === 'failed') throw new Error(`remove the backups: ${outcome.error.message}`)
  if (outcomes.some(({ state }) => state === 'pending')) return 'pending'
  const removed = bases.map((base) => baseBackups(c.control, strand).remove(base))
  return together(...removed, await removeMark(c.control, strand))
}

const forgetCopy = (
  c: C,
  { snapshotId, zone }: { readonly snapshotId: string; readonly zone: string },
): Promise<JobOutcome<'snapshot.remove'>> =>
  jobOn(c, placeOf(c, { zone }), {
    name: `forget-${snapshotId}-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId }),
  })
