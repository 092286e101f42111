/** The flows of snapshots that do not touch an instance. */
import { done, flow, go, wait } from '#flow/flow.ts'
import type { Scope } from '../control.ts'
import { dbSnapshots, findSnapshot } from '../db-snapshot/record.ts'
import { jobOn, type FlowContext } from './context.ts'
import { engineDeadlineMs } from './limits.ts'
import { snapshotEvent, snapshotFailed, snapshotSucceeded, type SnapshotRef } from './snapshot-writes.ts'

interface Input {
  readonly scope: Scope
  readonly snapshot: SnapshotRef
}
type C<I extends Input = Input> = FlowContext<I>

const snapshotOf = (c: C): ReturnType<typeof findSnapshot> =>
  findSnapshot(c.control, c.input.scope, c.input.snapshot.name, c.input.snapshot.resourceId)

async function forget(c: C): Promise<void> {
  const held = await snapshotOf(c)
  if (held) await c.control.hosts.forgetJobs(held.value.zone, `${held.value.resourceId}/${c.flowId}/`)
}

interface CopyInput extends Input {
  /** The source's resource id: the folder to copy. */
  readonly sourceId: string
}

export const copyDbSnapshot = flow(
  'copy-db-snapshot',
  { exhausted: 'fail', steps: { copy: { deadlineMs: engineDeadlineMs } } },
  {
    copy: async (c: C<CopyInput>) => {
      const held = await snapshotOf(c)
      if (!held) return done('deleted')
      const { resourceId } = held.value
      const outcome = await jobOn(c, held.value, {
        name: 'copy',
        kind: 'snapshot.copy',
        input: async () => ({ snapshotId: c.input.sourceId, targetId: resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      const { control, input } = c
      if (outcome.state === 'succeeded')
        return go('finish', await snapshotSucceeded(control, input.scope, input.snapshot, outcome.result))
      return go('finish', await snapshotFailed(control, input.scope, input.snapshot, outcome.error.message))
    },

    finish: async (c: C<CopyInput>) => {
      await forget(c)
      return done('copied')
    },

    fail: async (c: C<CopyInput>) => {
      await forget(c)
      return done(
        'failed',
        await snapshotFailed(c.control, c.input.scope, c.input.snapshot, c.lastError ?? 'The copy took too long.'),
      )
    },
  },
)

export const deleteDbSnapshot = flow(
  'delete-db-snapshot',
  { exhausted: 'remove' },
  {
    remove: async (c: C) => {
      const held = await snapshotOf(c)
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
      await forget(c)
      const held = await snapshotOf(c)
      if (!held) return done('deleted')
      const removal = dbSnapshots(c.control, c.input.scope).remove(held)
      // Automated ones come and go without anybody having asked.
      if (held.value.type === 'automated') return done('deleted', removal)
      return done('deleted', removal, snapshotEvent(c.control, held.value, 'RDS-EVENT-0041'))
    },
  },
)
