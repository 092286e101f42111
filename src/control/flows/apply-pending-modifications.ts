import { done, flow, wait } from '#flow/flow.ts'
import { together } from '#store/collection.ts'
import { parseMaintenanceWindow, untilOpen } from '../db-instance/identifiers.ts'
import type { PendingChanges } from '../db-instance/record.ts'
import { startModification } from '../db-instance/start-modification.ts'
import { change, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { busyLookMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

/** A durable timer: makes all pending changes when the maintenance window opens. */
export const applyPendingModifications = flow(
  'apply-pending-modifications',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const apply = Object.keys(held.value.pending) as (keyof PendingChanges)[]
      if (apply.length === 0) return done('nothing is pending any more')
      const leftMs = untilOpen(
        parseMaintenanceWindow(held.value.settings.PreferredMaintenanceWindow),
        c.control.clock.now(),
      )
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      if (held.value.phase !== 'available') return wait({ timeoutMs: busyLookMs })
      const { phase, writes } = startModification(c.control, held.value, { apply })
      return done('started', together(change(c, held, { phase }), writes))
    },
  },
)
