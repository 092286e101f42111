/** The flows of snapshots that do not touch what they are of. */
import { done, flow, go, wait } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import type { Scope } from '../control.ts'
import { findSnapshot, OF_INSTANCES, type SnapshotKind, type SnapshotRef } from '../db-snapshot/kind.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext } from './context.ts'
import { engineDeadlineMs } from './limits.ts'
import { snapshotEvent, snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'

interface Input {
  readonly scope: Scope
  readonly snapshot: SnapshotRef
}
type C<I extends Input = Input> = FlowContext<I>

type Snapshot = Held<DbSnapshotRecord> | undefined

const snapshotIn = ({ control, input: { scope, snapshot } }: C, kind: SnapshotKind): Promise<Snapshot> =>
  findSnapshot(control, scope, { kind, ...snapshot })

async function forget(c: C, held: Snapshot): Promise<void> {
  if (held) await c.control.hosts.forgetJobs(held.value.zone, `${held.value.resourceId}/${c.flowId}/`)
}

interface CopyInput extends Input {
  /** The source's resource id: the folder to copy. */
  readonly sourceId: string
}

const copyOf = (kind: SnapshotKind) =>
  flow(
    kind.flows.copy,
    { exhausted: 'fail', steps: { copy: { deadlineMs: engineDeadlineMs } } },
    {
      copy: async (c: C<CopyInput>) => {
        const held = await snapshotIn(c, kind)
        if (!held) return done('deleted')
        const { resourceId } = held.value
        const outcome = await jobOn(c, held.value, {
          name: 'copy',
          kind: 'snapshot.copy',
          input: async () => ({ snapshotId: c.input.sourceId, targetId: resourceId }),
        })
        if (outcome.state === 'pending') return wait()
        if (outcome.state === 'succeeded') return go('finish', snapshotSucceeded(c.control, kind, held, outcome.result))
        return go('finish', snapshotFailed(c.control, kind, held, outcome.error.message))
      },

      finish: async (c: C<CopyInput>) => {
        await forget(c, await snapshotIn(c, kind))
        return done('copied')
      },

      fail: async (c: C<CopyInput>) => {
        const held = await snapshotIn(c, kind)
        await forget(c, held)
        return done('failed', snapshotFailed(c.control, kind, held, c.lastError ?? 'The copy took too long.'))
      },
    },
  )

const deletionOf = (kind: SnapshotKind) =>
  flow(
    kind.flows.remove,
    { exhausted: 'remove' },
    {
      remove: async (c: C) => {
        const held = await snapshotIn(c, kind)
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

      forget: async (c: C) => {
        const held = await snapshotIn(c, kind)
        await forget(c, held)
        if (!held) return done('deleted')
        const removal = kind.collection(c.control, c.input.scope).remove(held)
        return done('deleted', removal, snapshotEvent(c.control, kind, held.value, 'deleted'))
      },
    },
  )

export const copyDbSnapshot = copyOf(OF_INSTANCES)
export const deleteDbSnapshot = deletionOf(OF_INSTANCES)
export const copyDbClusterSnapshot = copyOf(OF_CLUSTERS)
export const deleteDbClusterSnapshot = deletionOf(OF_CLUSTERS)
