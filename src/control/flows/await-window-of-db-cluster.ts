import { done, flow, wait } from '#flow/flow.ts'
import { namesOf, startChange } from '../db-cluster/changes.ts'
import { parseMaintenanceWindow, untilOpen } from '../db-instance/identifiers.ts'
import { changeCluster, changeMembers, clusterOf, type ClusterContext as C } from './db-cluster-context.ts'
import { busyLookMs, timerDeadlineMs } from './limits.ts'

/** A durable timer: makes all pending changes of a DB cluster when its maintenance window opens. */
export const awaitWindowOfDbCluster = flow(
  'await-window-of-db-cluster',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl || cl.cluster.phase === 'deleting') return done('deleted')
      const apply = namesOf(cl.cluster.pending)
      if (apply.length === 0) return done('nothing is pending any more')
      const window = parseMaintenanceWindow(cl.cluster.settings.PreferredMaintenanceWindow)
      const leftMs = untilOpen(window, c.control.clock.now())
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      if (cl.cluster.phase !== 'available') return wait({ timeoutMs: busyLookMs })
      const members = [...cl.members.values()].map(({ value }) => value)
      const { phase, writes } = startChange(c.control, cl.cluster, { apply, members })
      return done('started', changeCluster(c, cl, { phase }), changeMembers(c, cl, { phase }), writes)
    },
  },
)
