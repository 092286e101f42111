import { done, flow, go, wait } from '#flow/flow.ts'
import { readersOf, type Member } from '../db-cluster/record.ts'
import { streamsFromWriter, writerServes } from '../db-cluster/sight.ts'
import { instanceEvent } from './context.ts'
import {
  bring,
  changeCluster,
  changeMembers,
  clusterFinished,
  clusterOf,
  type ClusterContext as C,
  type HeldCluster,
} from './db-cluster-context.ts'
import { writerRestartSteps } from './db-cluster-restart.ts'
import { restartDeadlineMs, standbyPatienceMs } from './limits.ts'

/**
 * Restarts the engines of a DB cluster: one reader after the other, so that commits and readers always have one, then the
 * writer where it is. Whoever does not come back is looked after by the flows that keep and recover the cluster.
 */
export const rebootDbCluster = flow(
  'reboot-db-cluster',
  { exhausted: 'yield', policy: { deadlineMs: restartDeadlineMs } },
  {
    readers: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      for (const reader of readersOf(cl.cluster)) {
        const waitMs = await restartReader(c, cl, reader)
        if (waitMs !== undefined) return wait({ timeoutMs: waitMs })
      }
      const events = readersOf(cl.cluster).map(({ zone }) =>
        instanceEvent(c.control, cl.members.get(zone)!.value, 'RDS-EVENT-0006'),
      )
      return go('restart', ...events)
    },

    ...writerRestartSteps,

    finish: (c: C) => clusterFinished(c, 'rebooted'),

    /** From here on the cluster is one like any other whose writer may be gone. */
    yield: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      return go('finish', changeCluster(c, cl, { phase: 'available' }), changeMembers(c, cl, { phase: 'available' }))
    },
  },
)

/** How long to wait for it, at most; undefined: it is back, or not worth waiting for. */
async function restartReader(c: C, cl: HeldCluster, reader: Member): Promise<number | undefined> {
  if (reader.state !== 'following' || !c.control.hosts.isConnected(reader.zone)) return undefined
  const outcome = await bring(c, cl, { member: reader, name: `restart-${reader.zone}`, kind: 'instance.restart' })
  const leftMs = c.enteredAt + standbyPatienceMs - c.control.clock.now()
  if (outcome.state === 'pending') return standbyPatienceMs
  if (outcome.state === 'failed' || leftMs <= 0) return undefined
  // Nothing is reported of a writer that does not serve.
  const isBack = streamsFromWriter(c.control, cl.cluster, reader) || !writerServes(c.control, cl.cluster)
  return isBack ? undefined : leftMs
}
