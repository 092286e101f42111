/** Whom the writer of a DB cluster waits for, and who may take over. */
import { together, type Mutation } from '#store/collection.ts'
import {
  memberIn,
  readersOf,
  regrouped,
  withMember,
  zonesEqual,
  type DbClusterRecord,
  type Member,
} from '../db-cluster/record.ts'
import { isWhole, streamsFromWriter } from '../db-cluster/sight.ts'
import { copySeen } from '../multi-az/copies.ts'
import { instanceEvent } from './context.ts'
import {
  bring,
  changeCluster,
  forgetClusterJobs,
  replaceCluster,
  type ClusterContext as C,
  type HeldCluster,
} from './db-cluster-context.ts'
import { NONE, type Duty } from './db-cluster-duty.ts'
import { restLeftMs, standbyGraceMs, standbyPatienceMs } from './limits.ts'

/** Since when a reader that should stream does not. */
export const noticeTroubles: Duty = async (c, cl) => {
  const { control } = c
  for (const member of readersOf(cl.cluster)) {
    if (member.state !== 'following') continue
    const streams = streamsFromWriter(control, cl.cluster, member)
    const now = control.clock.now()
    // Of a trouble that is yet to come, by a clock that was set back, nobody knows when it began: it is noted anew.
    if (streams === (member.troubledAt === undefined) && (member.troubledAt ?? now) <= now) continue
    const changed = { state: member.state, ...(!streams && { troubledAt: now }) }
    return { writes: changeCluster(c, cl, { members: withMember(cl.cluster, member, changed) }) }
  }
  return NONE
}

/** One that ended is gone at once, one that is silent after a moment. */
function isLost(c: C, member: Member): boolean {
  const state = copySeen(c.control, member)?.state
  if (state === 'stopped' || state === 'failed') return true
  return member.troubledAt !== undefined && c.control.clock.now() - member.troubledAt >= standbyGraceMs
}

/** Commits wait for the readers that stream, and for nobody else. */
export const regroup: Duty = async (c, cl) => {
  const { cluster } = cl
  const { awaited, electorate } = cluster
  const readers = readersOf(cluster)
  const kept = readers.filter((member) => awaited.includes(member.zone) && !isLost(c, member))
  const streaming = readers.filter(
    (member) => !awaited.includes(member.zone) && streamsFromWriter(c.control, cluster, member),
  )
  const restMs = (member: Member): number => restLeftMs(member.restsUntil, c.control.clock.now())
  const come = streaming.filter((member) => restMs(member) <= 0)
  const wanted = [...kept, ...come].map(({ zone }) => zone)
  if (!zonesEqual(wanted, awaited)) {
    const everybody = [...new Set([...electorate, ...wanted])]
    const isAlone = wanted.length === 0
    return {
      writes: together(
        replaceCluster(
          c,
          cl,
          regrouped(cluster, { awaited: wanted, electorate: isAlone || electorate.length === 0 ? [] : everybody }),
        ),
        ...(isAlone ? [alone(c, cl)] : []),
      ),
    }
  }
  const doubted = kept.filter(({ troubledAt }) => troubledAt !== undefined)
  const leftMs = [
    ...doubted.map(({ troubledAt }) => troubledAt! + standbyGraceMs - c.control.clock.now()),
    ...streaming.map(restMs),
  ]
  return leftMs.length > 0 ? { waitMs: Math.min(...leftMs) } : NONE
}

export const alone = (c: C, { cluster, members }: HeldCluster): Mutation =>
  instanceEvent(
    c.control,
    members.get(cluster.writer)!.value,
    'RDS-EVENT-0044',
    'The writer of the DB cluster runs without its readers, which do not answer. Commits no longer wait for them.',
  )

/** The writer is told of every change; whoever is waited for newly may take over only once that is done. */
export const tell: Duty = async (c, cl) => {
  const { cluster } = cl
  const { awaited, electorate, generation } = cluster
  if (cluster.told === generation) return NONE
  const isChange = awaited.length > 0 && !zonesEqual(awaited, electorate)
  const outcome = await bring(c, cl, {
    member: memberIn(cluster, cluster.writer),
    name: `tell-${generation}-${c.failures}`,
    kind: isChange ? 'instance.synchronize' : 'instance.reload',
  })
  if (outcome.state === 'pending') return NONE
  if (outcome.state === 'failed') {
    if (!isChange) throw new Error(`tell the writer: ${outcome.error.message}`)
    return { writes: together(replaceCluster(c, cl, forgone(cluster, c.control.clock.now())), alone(c, cl)) }
  }
  const now: DbClusterRecord = { ...cluster, told: generation, electorate: isChange ? awaited : electorate }
  if (isWhole(now)) await forgetClusterJobs(c, cluster)
  return { writes: replaceCluster(c, cl, now) }
}

/** The cluster with nobody to wait for. Who was waited for in vain is not tried again at once. */
export const forgone = (cluster: DbClusterRecord, now: number): DbClusterRecord =>
  regrouped(cluster, {
    awaited: [],
    electorate: [],
    members: cluster.members.map((member) =>
      cluster.awaited.includes(member.zone) ? { ...member, restsUntil: now + standbyPatienceMs } : member,
    ),
  })
