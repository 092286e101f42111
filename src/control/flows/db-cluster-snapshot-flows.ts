/** The flow that takes a snapshot of a DB cluster. It is in nobody's way: a cluster may fail over while it is copied. */
import type { JobError } from '#wire/agent/messages.ts'
import { done, flow, go, wait } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { auroraBackupSubjectOf } from '../aurora-cluster/record.ts'
import { findBackedUp, type BackedUpCluster } from '../cluster/backed-up.ts'
import type { Control, Scope } from '../control.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import { backupSubjectOf } from '../db-cluster/record.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { findSnapshot, type SnapshotRef } from '../db-snapshot/kind.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext } from './context.ts'
import { copyVolumeAtRest } from './copy-volume-at-rest.ts'
import type { ClusterInput } from './db-cluster-context.ts'
import { engineDeadlineMs } from './limits.ts'
import { snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'

interface Creation extends ClusterInput {
  readonly snapshot: SnapshotRef
  /** Resource id of the instance whose data is copied; absent: an Aurora cluster had none that served. */
  readonly memberId?: string
}

/** The snapshot, as long as it is this one. */
export const findClusterSnapshot = (
  control: Control,
  scope: Scope,
  ref: SnapshotRef,
): Promise<Held<DbSnapshotRecord> | undefined> => findSnapshot(control, scope, { kind: OF_CLUSTERS, ...ref })

/**
 * Copies the member that was chosen with the request. One that becomes the writer meanwhile ends the copy. Without one the
 * copy is made of what is archived, once that is everything.
 */
export const createDbClusterSnapshot = flow(
  'create-db-cluster-snapshot',
  { exhausted: 'fail', steps: { copy: { deadlineMs: engineDeadlineMs } } },
  {
    copy: async (c: FlowContext<Creation>) => {
      const held = await findClusterSnapshot(c.control, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      const cluster = await findBackedUp(c.control, c.input.key)
      if (isOrphan(held.value, cluster)) return go('discard')
      if (!cluster) return done('failed', snapshotFailed(c.control, OF_CLUSTERS, held, 'The DB cluster was deleted.'))
      const { zone, resourceId: snapshotId } = held.value
      const { memberId, key } = c.input
      const outcome =
        memberId === undefined
          ? await copyVolumeAtRest(c, { key, snapshot: held.value })
          : await jobOn(
              c,
              { zone, resourceId: key.resourceId },
              {
                name: `snapshot-${c.failures}`,
                kind: 'instance.snapshot',
                input: async () => ({ ...(await cluster.copyOf(memberId)), snapshotId }),
              },
            )
      if (outcome.state === 'unready') return wait({ timeoutMs: REST_LOOK_MS })
      if (outcome.state === 'pending') return wait()
      // Who takes over is not copied while it does, and an engine that was started again can be.
      if (outcome.state === 'failed' && cluster.source.engine !== 'postgres' && isPassing(outcome.error))
        throw new Error(outcome.error.message)
      if (outcome.state === 'failed')
        return go('finish', snapshotFailed(c.control, OF_CLUSTERS, held, outcome.error.message))
      return go('finish', snapshotSucceeded(c.control, OF_CLUSTERS, held, outcome.result))
    },

    finish: async (c: FlowContext<Creation>) => {
      const { key, snapshot } = c.input
      const held = await findClusterSnapshot(c.control, key, snapshot)
      if (held) await c.control.hosts.forgetJobs(held.value.zone, `${key.resourceId}/${c.flowId}/`)
      // Seen after the snapshot was: a deletion that found it unfinished was begun before that.
      if (held && isOrphan(held.value, await findBackedUp(c.control, key))) return go('discard')
      // Who has one taken each day goes on with it.
      for (const subject of [backupSubjectOf(key), auroraBackupSubjectOf(key)]) c.control.flows.wakeSubjects(subject)
      return done('copied')
    },

    /** Automated ones go with their cluster, also those that are being taken then. */
    discard: async (c: FlowContext<Creation>) => {
      const held = await findClusterSnapshot(c.control, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      const { zone, resourceId } = held.value
      await c.control.hosts.cancelJobs(zone, `${c.input.key.resourceId}/${c.flowId}/`)
      const outcome = await jobOn(c, held.value, {
        name: `discard-${c.failures}`,
        kind: 'snapshot.remove',
        input: async () => ({ snapshotId: resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove snapshot ${resourceId}: ${outcome.error.message}`)
      for (const id of [c.input.key.resourceId, resourceId])
        await c.control.hosts.forgetJobs(zone, `${id}/${c.flowId}/`)
      return done('deleted', dbClusterSnapshots(c.control, c.input.key).remove(held))
    },

    fail: async (c: FlowContext<Creation>) => {
      const held = await findClusterSnapshot(c.control, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      if (isOrphan(held.value, await findBackedUp(c.control, c.input.key))) return go('discard')
      const late = c.input.memberId === undefined ? UNCERTAIN : 'The copy took too long.'
      const complaint = c.lastError ?? late
      return done('failed', snapshotFailed(c.control, OF_CLUSTERS, held, complaint))
    },
  },
)

/** Whether its cluster goes, or is gone, and it with that. */
const isOrphan = ({ type }: DbSnapshotRecord, cluster: BackedUpCluster | undefined): boolean =>
  type === 'automated' && (!cluster || cluster.isDeleting)

const isPassing = ({ code }: JobError): boolean => code === 'failed' || code === 'cancelled'

/** Nothing tells when the archive has everything. */
const REST_LOOK_MS = 1000

export const UNCERTAIN =
  'The end of the log of the cluster volume is not archived, or not certain: add a DB instance, which makes it so, and try again.'
