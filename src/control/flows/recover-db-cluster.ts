import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Mutation } from '#store/collection.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import { cutClusterRoute, openClusterRoute } from '../db-cluster/routes.ts'
import { memberIn, regrouped, withMember, type DbClusterRecord } from '../db-cluster/record.ts'
import { canElect, writerServes } from '../db-cluster/sight.ts'
import { cutRoute } from '../multi-az/route.ts'
import { jobOn, type FlowContext } from './context.ts'
import {
  bring,
  changeCluster,
  clusterEvent,
  clusterFinished,
  clusterOf,
  memberSpec,
  replaceCluster,
  type ClusterInput,
  type HeldCluster,
} from './db-cluster-context.ts'
import { endEngine } from './end-engine.ts'
import { longest, succeeded } from './db-cluster-succession.ts'
import { tellReader, writerRestartSteps } from './db-cluster-restart.ts'
import { alone } from './db-cluster-synchrony.ts'
import { fenceDeadlineMs, restartDeadlineMs, standbyPatienceMs } from './limits.ts'

interface Input extends ClusterInput {
  /** Somebody asked for a failover of a writer that serves. */
  readonly isForced: boolean
  /** Zone of the reader that somebody would like to be the writer, if it has everything. */
  readonly target?: string
  /** What happened to the writer, for the event. */
  readonly because: string
}
type C = FlowContext<Input>
type Step =
  | 'decide'
  | 'cut'
  | 'end'
  | 'seal'
  | 'promote'
  | 'open'
  | 'give-up'
  | 'restart'
  | 'gate'
  | 'alone'
  | 'reopen'
  | 'finish'
  | 'rest'

/**
 * Brings a cluster whose writer is gone back to service: the reader with the longest log takes over, or where not all
 * can be asked who would have to be, the writer is started again where it is.
 *
 * No acknowledged commit is lost: everybody in the electorate stops receiving before anybody is asked where his log ends,
 * so what the old writer still does reaches nobody whose word it waits for. Two writers never acknowledge for the same
 * reason: the readers follow the new one or nobody.
 */
export const recoverDbCluster = flow(
  'recover-db-cluster',
  { exhausted: 'rest', policy: { deadlineMs: restartDeadlineMs } },
  {
    decide: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { cluster } = cl
      if (cluster.candidate !== undefined) return go('promote')
      if (canElect(c.control, cluster))
        return go(
          'cut',
          changeCluster(c, cl, { phase: 'failing-over' }),
          clusterEvent(c.control, cluster, 'RDS-EVENT-0073', startedText(c.input, cluster)),
        )
      if (c.input.isForced && !isLate(c) && cluster.electorate.some((zone) => !c.control.hosts.isConnected(zone)))
        return wait({ timeoutMs: LOOK_MS })
      if (c.input.isForced && !cluster.isSealed && writerServes(c.control, cluster))
        return go(
          'finish',
          changeCluster(c, cl, { phase: 'available' }),
          clusterEvent(c.control, cluster, 'RDS-EVENT-0069', 'The failover was given up: no reader can take over now.'),
        )
      if (!c.control.hosts.isConnected(cluster.writer)) return wait({ timeoutMs: LOOK_MS })
      // Readers that were told to follow nobody follow the writer again.
      return go('restart', replaceCluster(c, cl, { ...regrouped(cluster, { isSealed: false }), phase: 'rebooting' }))
    },

    cut: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      await cutClusterRoute(c.control, cl.cluster, cl.members)
      await cutRoute(c.control, cl.members.get(cl.cluster.writer)!.value)
      return go('end', replaceCluster(c, cl, regrouped(cl.cluster, { isSealed: true })))
    },

    /** A writer that serves ends in order, and can follow at once; any other is killed. */
    end: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const writer = memberIn(cl.cluster, cl.cluster.writer)
      const isHere = c.control.hosts.isConnected(writer.zone)
      // One that cannot be ended acknowledges nothing more once the readers are sealed.
      if (isLate(c) || (!isHere && !c.input.isForced)) return go('seal')
      if (!isHere) return wait({ timeoutMs: LOOK_MS })
      const outcome = await endEngine(c, writer)
      if (outcome.state === 'pending') return wait({ timeoutMs: fenceDeadlineMs })
      if (outcome.state === 'failed') throw new Error(`end the old writer: ${outcome.error.message}`)
      return go('seal')
    },

    seal: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { electorate, generation } = cl.cluster
      const name = `seal-${generation}-${c.failures}`
      const outcomes = await Promise.all(
        electorate.map((zone) => bring(c, cl, { member: memberIn(cl.cluster, zone), name, kind: 'instance.seal' })),
      )
      const ends = new Map<string, bigint>()
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.state === 'failed') throw new Error(`seal a reader: ${outcome.error.message}`)
        if (outcome.state === 'succeeded') ends.set(electorate[i]!, parseLsn(outcome.result.flushedLsn))
      }
      if (ends.size < electorate.length) return wait()
      return go('promote', changeCluster(c, cl, { candidate: longest(ends, c.input.target) }))
    },

    promote: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { candidate } = cl.cluster
      if (candidate === undefined) return go('decide')
      const canGiveUp = c.failures >= PROMOTIONS_MAX && c.control.hosts.isConnected(cl.cluster.writer)
      if (canGiveUp && !c.control.hosts.isConnected(candidate)) return go('give-up', abandoned(c, cl, GONE))
      const target = succeeded(cl.cluster, candidate, c.input.isForced)
      const outcome = await jobOn(c, memberIn(target, candidate), {
        name: `promote-${target.generation}-${c.failures}`,
        kind: 'instance.promote',
        input: async () => ({ spec: await memberSpec(c, cl, { cluster: target, zone: candidate }) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded')
        return go(
          'open',
          replaceCluster(c, cl, target),
          ...(target.awaited.length === 0 ? [alone(c, { ...cl, cluster: target })] : []),
        )
      // It may be a primary by now. As long as it may, the old one stays ended.
      if (!canGiveUp) throw new Error(`promote the reader: ${outcome.error.message}`)
      return go('give-up', abandoned(c, cl, outcome.error.message))
    },

    /** The other reader hears whom to follow while clients come in: their commits wait for it. */
    open: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { cluster } = cl
      for (const zone of cluster.awaited) await tellReader(c, cl, memberIn(cluster, zone))
      await openClusterRoute(c.control, cluster, cl.members)
      return go(
        'finish',
        changeCluster(c, cl, { phase: 'available', complaint: undefined }),
        clusterEvent(
          c.control,
          cluster,
          'RDS-EVENT-0071',
          `Failover to DB instance ${memberIn(cluster, cluster.writer).id} completed.`,
        ),
      )
    },

    /**
     * The candidate is ended before the old writer is started in its stead. One that cannot be ended acknowledges
     * nothing: nobody follows it.
     */
    'give-up': async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { candidate, members, electorate: _all, ...cluster } = cl.cluster
      if (candidate === undefined) return go('decide')
      const chosen = memberIn(cl.cluster, candidate)
      if (c.control.hosts.isConnected(candidate)) {
        const outcome = await jobOn(c, chosen, {
          name: `give-up-${c.failures}`,
          kind: 'instance.fence',
          input: async () => ({ id: chosen.resourceId }),
        })
        if (outcome.state === 'pending') return wait()
        if (outcome.state === 'failed') throw new Error(`end the candidate: ${outcome.error.message}`)
      }
      const without = withMember({ members }, chosen, { state: 'missing' })
      const awaited = cluster.awaited.filter((zone) => zone !== candidate)
      // What only the candidate had is on the old writer alone: nobody else may take over until that is in order.
      const next = regrouped({ ...cluster, members: without, electorate: [] }, { awaited, isSealed: false })
      return go(
        'restart',
        replaceCluster(c, cl, { ...next, phase: 'rebooting' }),
        clusterEvent(c.control, next, 'RDS-EVENT-0070'),
      )
    },

    ...writerRestartSteps,

    finish: (c: C) => clusterFinished(c, 'recovered'),

    /** What failed again and again is begun anew after a while: whoever was missing may be back. */
    rest: async (c: C): Promise<Next<Step>> => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('decide')
    },
  },
)

/** How often it is looked whether those who have to be asked are back. */
const LOOK_MS = 1000

/** Attempts to promote a reader before the old writer is tried instead. */
const PROMOTIONS_MAX = 3

/** Whoever is not here by now is not coming soon: hosts take a moment to be back when it was serve that was away. */
const isLate = (c: C): boolean => c.spentMs > fenceDeadlineMs

const GONE = 'The host of the chosen reader does not answer.'

const abandoned = (c: C, { cluster }: HeldCluster, why: string): Mutation =>
  clusterEvent(c.control, cluster, 'RDS-EVENT-0069', `The failover to another DB instance failed. ${why}`)

const startedText = ({ isForced, because }: Input, { writer, members }: DbClusterRecord): string => {
  const id = members.find(({ zone }) => zone === writer)!.id
  return `Started cross AZ failover from DB instance ${id}${isForced ? ' on request' : ''}. ${because}`.trim()
}
