import { done, flow, go, wait } from '#flow/flow.ts'
import type { Mutation } from '#store/collection.ts'
import { readersOf, type Member } from '../db-cluster/record.ts'
import { streamsFromWriter, writerServes } from '../db-cluster/sight.ts'
import { instanceEvent, type FlowContext } from './context.ts'
import {
  bring,
  changeCluster,
  changeMembers,
  clusterFinished,
  clusterOf,
  type ClusterInput,
  type HeldCluster,
} from './db-cluster-context.ts'
import { writerRestartSteps } from './db-cluster-restart.ts'
import { restartDeadlineMs, standbyPatienceMs } from './limits.ts'

interface Input extends ClusterInput {
  /** Zone of the one member that is to be restarted; absent: all are. */
  readonly only?: string
}
type C = FlowContext<Input>

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
      const events: Mutation[] = []
      const { only } = c.input
      const readers = readersOf(cl.cluster).filter(({ zone }) => only === undefined || zone === only)
      for (const reader of readers) {
        const outcome = await restartReader(c, cl, reader)
        if (outcome === 'pending') return wait({ timeoutMs: LOOK_MS })
        if (outcome === 'restarted')
          events.push(instanceEvent(c.control, cl.members.get(reader.zone)!.value, 'RDS-EVENT-0006'))
      }
      if (only === undefined || only === cl.cluster.writer) return go('restart', ...events)
      return go(
        'finish',
        changeCluster(c, cl, { phase: 'available' }),
        changeMembers(c, cl, { phase: 'available' }),
        ...events,
      )
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

/** Both together. */
const READERS_MS = 2 * standbyPatienceMs

/** How often it is looked whether hosts are back that were not there. */
const LOOK_MS = 1000

/** One that is made anew, or that does not come back within a while, is not waited for. */
async function restartReader(c: C, cl: HeldCluster, reader: Member): Promise<'pending' | 'restarted' | 'left'> {
  if (reader.state !== 'following') return 'left'
  const isLate = c.spentMs > READERS_MS
  if (!c.control.hosts.isConnected(reader.zone)) return isLate ? 'left' : 'pending'
  const outcome = await bring(c, cl, { member: reader, name: `restart-${reader.zone}`, kind: 'instance.restart' })
  if (outcome.state === 'pending') return 'pending'
  if (outcome.state === 'failed') return 'left'
  // Nothing is reported of a writer that does not serve.
  const isBack = streamsFromWriter(c.control, cl.cluster, reader) || !writerServes(c.control, cl.cluster)
  return isBack || isLate ? 'restarted' : 'pending'
}
