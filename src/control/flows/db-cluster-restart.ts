/** Steps of flows that start a DB cluster's writer where it is. A reader may take over at every moment of them. */
import { done, go, wait, type Next } from '#flow/flow.ts'
import { cutClusterRoute, openClusterRoute } from '../db-cluster/routes.ts'
import { memberIn, readersOf, type Member } from '../db-cluster/record.ts'
import { cutRoute, openRoute } from '../multi-az/route.ts'
import { instanceEvent } from './context.ts'
import {
  bring,
  changeCluster,
  changeMembers,
  clusterOf,
  replaceCluster,
  type ClusterContext as C,
  type HeldCluster,
} from './db-cluster-context.ts'
import { alone, forgone } from './db-cluster-synchrony.ts'

type Step = 'gate' | 'alone' | 'reopen' | 'finish'

export const writerRestartSteps = {
  /** Where the writer is. Nobody is let in yet: what waited for a reader is seen only once one has it. */
  restart: async (c: C): Promise<Next<Step>> => {
    const cl = await clusterOf(c)
    if (!cl) return done('deleted')
    const { cluster } = cl
    const writer = memberIn(cluster, cluster.writer)
    await cutClusterRoute(c.control, cluster, cl.members)
    await cutRoute(c.control, cl.members.get(cluster.writer)!.value)
    const name = `restart-${cluster.generation}-${c.failures}`
    const outcome = await bring(c, cl, { member: writer, name, kind: 'instance.restart' })
    if (outcome.state === 'pending') return wait()
    if (outcome.state === 'failed') throw new Error(`start the writer: ${outcome.error.message}`)
    for (const member of readersOf(cluster)) if (member.state === 'following') await tellReader(c, cl, member)
    return go(cluster.awaited.length > 0 ? 'gate' : 'reopen')
  },

  gate: async (c: C): Promise<Next<Step>> => {
    const cl = await clusterOf(c)
    if (!cl) return done('deleted')
    const { cluster } = cl
    const outcome = await bring(c, cl, {
      member: memberIn(cluster, cluster.writer),
      name: `gate-${cluster.generation}`,
      kind: 'instance.synchronize',
    })
    if (outcome.state === 'pending') return wait()
    if (outcome.state === 'succeeded')
      return go('reopen', changeCluster(c, cl, { told: cluster.generation, electorate: cluster.awaited }))
    return go('alone', replaceCluster(c, cl, forgone(cluster, c.control.clock.now())), alone(c, cl))
  },

  /** Without a reader that has everything, commits do not wait for one. */
  alone: async (c: C): Promise<Next<Step>> => {
    const cl = await clusterOf(c)
    if (!cl) return done('deleted')
    const { generation, writer } = cl.cluster
    const name = `alone-${generation}-${c.failures}`
    const outcome = await bring(c, cl, { member: memberIn(cl.cluster, writer), name, kind: 'instance.reload' })
    if (outcome.state === 'pending') return wait()
    if (outcome.state === 'failed') throw new Error(`let commits go on: ${outcome.error.message}`)
    return go('reopen', changeCluster(c, cl, { told: generation }))
  },

  reopen: async (c: C): Promise<Next<Step>> => {
    const cl = await clusterOf(c)
    if (!cl) return done('deleted')
    const writer = cl.members.get(cl.cluster.writer)!.value
    await openRoute(c.control, writer)
    await openClusterRoute(c.control, cl.cluster, cl.members)
    return go(
      'finish',
      changeCluster(c, cl, { phase: 'available', complaint: undefined }),
      changeMembers(c, cl, { phase: 'available' }),
      instanceEvent(c.control, writer, 'RDS-EVENT-0006'),
    )
  },
}

/** What comes of it is looked after by the flow that keeps the cluster. */
export async function tellReader(c: C, cl: HeldCluster, member: Member): Promise<void> {
  const name = `point-${cl.cluster.generation}`
  await bring(c, cl, { member, name, kind: 'instance.reload' }).catch(() => {})
}
