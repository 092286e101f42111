/**
 * Keeps the readers of a DB cluster: makes those that are missing, lets commits wait for those that have everything, and
 * decides that they wait no longer for those that are gone. Lives as long as the cluster.
 *
 * `awaited` is whom the writer waits for: one of them has each commit that it acknowledges. `electorate` is who has to be
 * asked before one of them may take over: everything that was acknowledged is on the one with the longest log. The order
 * of writes keeps that true at every moment, also of a writer that has not heard of the last one:
 *
 *     whom to wait for changes    awaited := A',  electorate := electorate ∪ A'    (or stays empty)
 *     the writer waits for A', and one of A' has all that was acknowledged before  (instance.synchronize)
 *                                                 electorate := A'
 *     nobody can be waited for    awaited := ∅,   electorate := ∅                  before the writer hears of it
 */
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { openClusterRoute, routeReaders } from '../db-cluster/routes.ts'
import { clusterSubjectOf, zonesEqual, type ClusterPhase } from '../db-cluster/record.ts'
import { isReadable, isWhole, readableZones, writerServes } from '../db-cluster/sight.ts'
import { startClusterRecovery } from '../db-cluster/start-recovery.ts'
import { isGatewayOpen, isRouteOpen, openRoute } from '../multi-az/route.ts'
import { changeCluster, clusterOf, forgetClusterJobs, type ClusterContext as C } from './db-cluster-context.ts'
import { LOOK_MS, NONE, type Duty } from './db-cluster-duty.ts'
import { tendReaders } from './db-cluster-readers.ts'
import { noticeTroubles, regroup, tell } from './db-cluster-synchrony.ts'
import { standbyGraceMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'watch' | 'rest'

/** Phases in which no other flow ends or starts engines. */
const AT_WORK: readonly ClusterPhase[] = ['creating', 'available']

export const keepDbCluster = flow(
  'keep-db-cluster',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    /** Looks at everything each time: no duty waits for the end of another. */
    watch: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl || cl.cluster.phase === 'deleting') return done('the cluster is gone')
      const recovery = startClusterRecovery(c.control, cl.held)
      if (recovery) return wait({ timeoutMs: standbyGraceMs }, recovery.writes)
      if (!AT_WORK.includes(cl.cluster.phase) || !writerServes(c.control, cl.cluster)) return wait()
      let waitMs = LOOK_MS
      for (const duty of DUTIES) {
        const found = await duty(c, cl)
        if (found.writes) return go('watch', found.writes)
        waitMs = Math.min(waitMs, found.waitMs ?? LOOK_MS)
      }
      // Whoever makes the cluster waits for this.
      if (isWhole(cl.cluster)) c.control.flows.wakeSubjects(clusterSubjectOf(c.input.key))
      return wait({ timeoutMs: Math.max(waitMs, 1) })
    },

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return go('watch')
      const leftMs = standbyPatienceMs - c.spentMs
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      await forgetClusterJobs(c, cl.cluster)
      return go('watch')
    },
  },
)

/** The gateways of everybody who serves are open, once the cluster has an address at all. */
const openRoutes: Duty = async (c, { cluster, members }) => {
  if (cluster.phase === 'available' && !isGatewayOpen(c.control, cluster.resourceId))
    await openClusterRoute(c.control, cluster, members)
  for (const member of cluster.members) {
    const record = members.get(member.zone)!.value
    if (isReadable(c.control, cluster, member) && !isRouteOpen(c.control, record)) await openRoute(c.control, record)
  }
  return NONE
}

const routeToReaders: Duty = async (c, cl) => {
  const zones = readableZones(c.control, cl.cluster)
  if (zonesEqual(zones, cl.cluster.readers)) return NONE
  await routeReaders(c.control, cl.cluster, { members: cl.members, zones })
  return { writes: changeCluster(c, cl, { readers: zones }) }
}

/** In this order: a writer that waits in vain is what cannot wait. */
const DUTIES: readonly Duty[] = [noticeTroubles, regroup, tell, openRoutes, routeToReaders, tendReaders]
