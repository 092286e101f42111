/** The flows of snapshots of DB clusters. They are in nobody's way: a cluster may fail over while it is copied. */
import type { JobError, SnapshotFacts } from '#wire/agent/messages.ts'
import { done, flow, go, wait } from '#flow/flow.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { findBackedUp } from '../cluster/backed-up.ts'
import type { Control, Scope } from '../control.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { clusterSnapshotEvent } from '../cluster/snapshots.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext } from './context.ts'
import { copyVolumeAtRest } from './copy-volume-at-rest.ts'
import type { ClusterInput } from './db-cluster-context.ts'
import { engineDeadlineMs } from './limits.ts'
import type { SnapshotRef } from './snapshot-writes.ts'

interface Creation extends ClusterInput {
  readonly snapshot: SnapshotRef
  /** Resource id of the instance whose data is copied; absent: an Aurora cluster had none that served. */
  readonly memberId?: string
}

interface Deletion {
  readonly scope: Scope
  readonly snapshot: SnapshotRef
}

/** The snapshot, as long as it is this one. */
export async function findClusterSnapshot(
  control: Control,
  scope: Scope,
  { name, resourceId }: SnapshotRef,
): Promise<Held<DbSnapshotRecord> | undefined> {
  const held = await dbClusterSnapshots(control, scope).get(name)
  return held?.value.resourceId === resourceId ? held : undefined
}

const changed = (
  c: FlowContext<Creation>,
  held: Held<DbSnapshotRecord>,
  changes: Partial<DbSnapshotRecord>,
): Mutation => dbClusterSnapshots(c.control, held.value).update(held, { ...held.value, ...changes })

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
      if (!cluster)
        return done('failed', changed(c, held, { status: 'failed', complaint: 'The DB cluster was deleted.' }))
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
        return go('finish', changed(c, held, { status: 'failed', complaint: outcome.error.message }))
      return go('finish', clusterSnapshotTaken(c.control, held, outcome.result))
    },

    finish: async (c: FlowContext<Creation>) => {
      const held = await findClusterSnapshot(c.control, c.input.key, c.input.snapshot)
      if (held) await c.control.hosts.forgetJobs(held.value.zone, `${c.input.key.resourceId}/${c.flowId}/`)
      return done('copied')
    },

    fail: async (c: FlowContext<Creation>) => {
      const held = await findClusterSnapshot(c.control, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      const late = c.input.memberId === undefined ? UNCERTAIN : 'The copy took too long.'
      const complaint = c.lastError ?? late
      return done('failed', changed(c, held, { status: 'failed', complaint }))
    },
  },
)

const isPassing = ({ code }: JobError): boolean => code === 'failed' || code === 'cancelled'

/** Nothing tells when the archive has everything. */
const REST_LOOK_MS = 1000

export const UNCERTAIN =
  'The end of the log of the cluster volume is not archived, or not certain: add a DB instance, which makes it so, and try again.'

/** The writes with which a cluster's snapshot is there. */
export function clusterSnapshotTaken(
  control: Control,
  held: Held<DbSnapshotRecord>,
  { sizeBytes, log }: SnapshotFacts,
): Mutation {
  const available = { ...held.value, status: 'available', sizeBytes, log } as const
  return together(
    dbClusterSnapshots(control, held.value).update(held, available),
    clusterSnapshotEvent(control, available, 'RDS-EVENT-0075'),
  )
}

export const deleteDbClusterSnapshot = flow(
  'delete-db-cluster-snapshot',
  { exhausted: 'remove' },
  {
    remove: async (c: FlowContext<Deletion>) => {
      const held = await findClusterSnapshot(c.control, c.input.scope, c.input.snapshot)
      if (!held) return done('deleted')
      const { resourceId } = held.value
      const outcome = await jobOn(c, held.value, {
        name: `remove-${c.failures}`,
        kind: 'snapshot.remove',
        input: async () => ({ snapshotId: resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove snapshot ${resourceId}: ${outcome.error.message}`)
      return go('forget')
    },

    forget: async (c: FlowContext<Deletion>) => {
      const held = await findClusterSnapshot(c.control, c.input.scope, c.input.snapshot)
      if (!held) return done('deleted')
      await c.control.hosts.forgetJobs(held.value.zone, `${held.value.resourceId}/`)
      return done('deleted', dbClusterSnapshots(c.control, c.input.scope).remove(held))
    },
  },
)
