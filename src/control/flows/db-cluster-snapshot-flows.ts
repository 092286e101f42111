/** The flows of snapshots of DB clusters. They are in nobody's way: a cluster may fail over while it is copied. */
import { done, flow, go, wait } from '#flow/flow.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { Scope } from '../control.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { clusterSnapshotEvent } from '../db-cluster/snapshots.ts'
import { memberIn } from '../db-cluster/record.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext } from './context.ts'
import { clusterOf, type ClusterInput } from './db-cluster-context.ts'
import { engineDeadlineMs } from './limits.ts'
import type { SnapshotRef } from './snapshot-writes.ts'

interface Creation extends ClusterInput {
  readonly snapshot: SnapshotRef
}

interface Deletion {
  readonly scope: Scope
  readonly snapshot: SnapshotRef
}

async function found(
  c: FlowContext<unknown>,
  scope: Scope,
  { name, resourceId }: SnapshotRef,
): Promise<Held<DbSnapshotRecord> | undefined> {
  const held = await dbClusterSnapshots(c.control, scope).get(name)
  return held?.value.resourceId === resourceId ? held : undefined
}

const changed = (
  c: FlowContext<Creation>,
  held: Held<DbSnapshotRecord>,
  changes: Partial<DbSnapshotRecord>,
): Mutation => dbClusterSnapshots(c.control, held.value).update(held, { ...held.value, ...changes })

/** Copies the member that was chosen with the request. One that becomes the writer meanwhile ends the copy. */
export const createDbClusterSnapshot = flow(
  'create-db-cluster-snapshot',
  { exhausted: 'fail', steps: { copy: { deadlineMs: engineDeadlineMs } } },
  {
    copy: async (c: FlowContext<Creation>) => {
      const held = await found(c, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      const cl = await clusterOf(c)
      if (!cl) return done('failed', changed(c, held, { status: 'failed', complaint: 'The DB cluster was deleted.' }))
      const { zone, resourceId: snapshotId } = held.value
      const { resourceId: id } = memberIn(cl.cluster, zone)
      const outcome = await jobOn(
        c,
        { zone, resourceId: cl.cluster.resourceId },
        { name: 'snapshot', kind: 'instance.snapshot', input: async () => ({ id, snapshotId }) },
      )
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed')
        return go('finish', changed(c, held, { status: 'failed', complaint: outcome.error.message }))
      const { sizeBytes, log } = outcome.result
      const available = { ...held.value, status: 'available', sizeBytes, log } as const
      return go(
        'finish',
        together(changed(c, held, available), clusterSnapshotEvent(c.control, available, 'RDS-EVENT-0075')),
      )
    },

    finish: async (c: FlowContext<Creation>) => {
      const held = await found(c, c.input.key, c.input.snapshot)
      if (held) await c.control.hosts.forgetJobs(held.value.zone, `${c.input.key.resourceId}/${c.flowId}/`)
      return done('copied')
    },

    fail: async (c: FlowContext<Creation>) => {
      const held = await found(c, c.input.key, c.input.snapshot)
      if (!held) return done('deleted')
      const complaint = c.lastError ?? 'The copy took too long.'
      return done('failed', changed(c, held, { status: 'failed', complaint }))
    },
  },
)

export const deleteDbClusterSnapshot = flow(
  'delete-db-cluster-snapshot',
  { exhausted: 'remove' },
  {
    remove: async (c: FlowContext<Deletion>) => {
      const held = await found(c, c.input.scope, c.input.snapshot)
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
      const held = await found(c, c.input.scope, c.input.snapshot)
      if (!held) return done('deleted')
      await c.control.hosts.forgetJobs(held.value.zone, `${held.value.resourceId}/`)
      return done('deleted', dbClusterSnapshots(c.control, c.input.scope).remove(held))
    },
  },
)
