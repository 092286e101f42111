/** Steps of flows that start a DB cluster's writer where it is. A reader may take over at every moment of them. */
import { done, go, wait, type Next } from '#flow/flow.ts'
import type { Mutation } from '#store/collection.ts'
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

interface Restarting<Context extends C> {
  /** The cluster as its writer is to run from now on, for orders. */
  readonly target: (c: Context, cl: HeldCluster) => HeldCluster
  /** What is written once it does. */
  readonly started: (c: Context, cl: HeldCluster) => Promise<readonly Mutation[]>
}

/** The writer runs as the records say already, and is only started. */
const AS_IT_IS: Restarting<C> = { target: (_c, cl) => cl, started: async () => [] }

export const writerRestart = <Context extends C>({ target, started }: Restarting<Context>) => ({
  /** Where the writer is. Nobody is let in yet: what waited for a reader is seen only once one has it. */
  restart: async (c: Context): Promise<Next<Step>> => {
    const cl = await clusterOf(c)
    if (!cl) return done('deleted')
    const { cluster } = cl
    const wanted = target(c, cl)
    const writer = memberIn(cluster, cluster.writer)
    await cutClusterRoute(c.control, cluster, cl.members)
    await cutRoute(c.control, cl.members.get(cluster.writer)!.value)
    const name = `restart-${cluster.generation}-${c.failures}`
    const outcome = await bring(c, wanted, { member: writer, name, kind: 'instance.restart' })
    if (outcome.state === 'pending') return wait()
    if (outcome.state === 'failed') throw new Error(`start the writer: ${outcome.error.message}`)
    for (const member of readersOf(cluster)) if (member.state === 'following') await tellReader(c, wanted, member)
    return go(cluster.awaited.length > 0 ? 'gate' : 'reopen', ...(await started(c, cl)))
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
})

export const writerRestartSteps = writerRestart(AS_IT_IS)

/** What comes of it is looked after by the flow that keeps the cluster. */
export async function tellReader(c: C, cl: HeldCluster, member: Member): Promise<void> {
  const name = `point-${cl.cluster.generation}`
  await bring(c, cl, { member, name, kind: 'instance.reload' }).catch(() => {})
}
