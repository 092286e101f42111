import { done, flow, go, wait } from '#flow/flow.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { finished } from './endings.ts'
import { engineDeadlineMs } from './limits.ts'
import { snapshotFailed, snapshotSucceeded, type SnapshotRef } from './snapshot-writes.ts'

interface Input extends InstanceInput {
  readonly snapshot: SnapshotRef
  /** What the instance goes back to: it may be stopped while its data is copied. */
  readonly phaseAfter: 'available' | 'stopped'
  /** Whether the timer of automated backups asked for it. */
  readonly isBackup?: boolean
}
type C = FlowContext<Input>

/** Copies an instance's data while it serves. */
export const createDbSnapshot = flow(
  'create-db-snapshot',
  { exhausted: 'abandon', steps: { copy: { deadlineMs: engineDeadlineMs } } },
  {
    copy: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const { snapshot, phaseAfter } = c.input
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: 'snapshot',
        kind: 'instance.snapshot',
        input: async () => ({ id: record.resourceId, snapshotId: snapshot.resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      const after = change(c, held, { phase: phaseAfter })
      if (outcome.state === 'succeeded')
        return go(
          'finish',
          after,
          await snapshotSucceeded(c.control, c.input.key, snapshot, outcome.result),
          ...(c.input.isBackup ? [instanceEvent(c.control, record, 'RDS-EVENT-0002')] : []),
        )
      const { message } = outcome.error
      return go(
        'finish',
        after,
        await snapshotFailed(c.control, c.input.key, snapshot, message),
        instanceEvent(c.control, record, 'RDS-EVENT-0086', `Snapshot ${snapshot.name} failed: ${message}`),
      )
    },

    finish: (c: C) => finished(c, 'copied'),

    abandon: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      await c.control.hosts.cancelJobs(held.value.zone, `${held.value.resourceId}/${c.flowId}/`)
      return go(
        'finish',
        change(c, held, { phase: c.input.phaseAfter }),
        await snapshotFailed(c.control, c.input.key, c.input.snapshot, c.lastError ?? 'The copy took too long.'),
      )
    },
  },
)
