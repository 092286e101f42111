import { done, flow, go, wait } from '#flow/flow.ts'
import { together } from '#store/collection.ts'
import { timerSubjectOf } from '../db-instance/record.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished, forgetJobs } from './endings.ts'
import { engineDeadlineMs, restartDeadlineMs } from './limits.ts'
import { standbyStop } from './standby-steps.ts'
import { findSnapshot, OF_INSTANCES, type SnapshotRef } from '../db-snapshot/kind.ts'
import { snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'

interface Input extends InstanceInput {
  /** A snapshot to take before stopping. */
  readonly snapshot: SnapshotRef | undefined
}
type C = FlowContext<Input>

/** Stops the engine; the instance keeps its data and its endpoint, and starts by itself after seven days. */
export const stopDbInstance = flow(
  'stop-db-instance',
  {
    exhausted: 'fail',
    steps: { snapshot: { deadlineMs: engineDeadlineMs }, stop: { deadlineMs: restartDeadlineMs } },
  },
  {
    snapshot: async (c: C) => {
      const { snapshot } = c.input
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      if (!snapshot) return go('stop')
      const outcome = await jobOn(c, held.value, {
        name: 'snapshot',
        kind: 'instance.snapshot',
        input: async () => ({ id: held.value.resourceId, snapshotId: snapshot.resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      const record = await findSnapshot(c.control, c.input.key, { kind: OF_INSTANCES, ...snapshot })
      if (outcome.state === 'succeeded')
        return go('stop', snapshotSucceeded(c.control, OF_INSTANCES, record, outcome.result))
      // Without the copy that was asked for, the engine goes on serving.
      return go(
        'stay',
        snapshotFailed(c.control, OF_INSTANCES, record, outcome.error.message),
        change(c, held, { complaint: outcome.error.message }),
      )
    },

    stop: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: 'stop',
        kind: 'instance.stop',
        input: async () => ({ id: record.resourceId, mode: 'fast' as const }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') return go('fail', change(c, held, { complaint: outcome.error.message }))
      const standby = await standbyStop(c, record)
      if (standby === 'pending') return wait()
      const timer = await c.control.flows.supersede(
        'auto-start-db-instance',
        timerSubjectOf(c.input.key, 'auto-start'),
        {
          key: c.input.key,
          stoppedAt: c.control.clock.now(),
        },
      )
      return go(
        'finish',
        together(
          change(c, held, { phase: 'stopped', stoppedAt: c.control.clock.now(), complaint: undefined }),
          instanceEvent(c.control, record, 'RDS-EVENT-0087'),
          timer.writes,
        ),
      )
    },

    finish: (c: C) => finished(c, 'stopped'),

    stay: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      await forgetJobs(c)
      return done('available', change(c, held, { phase: 'available' }))
    },

    fail: (c: C) => failed(c, 'failed', 'The engine did not stop in time.'),
  },
)
