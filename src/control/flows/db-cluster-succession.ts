/** Which reader of a DB cluster takes over, and what the cluster is then. Pure. */
import { regrouped, type DbClusterRecord, type Member } from '../db-cluster/record.ts'

/** Whose log is the longest; the one that is wanted, where it is as long. All are of the same writer's time. */
export function longest(ends: ReadonlyMap<string, bigint>, wanted: string | undefined): string {
  const end = [...ends.values()].reduce((most, one) => (one > most ? one : most))
  const best = [...ends].filter(([, one]) => one === end).map(([zone]) => zone)
  return wanted !== undefined && best.includes(wanted) ? wanted : best[0]!
}

/** The cluster once the candidate is the writer. The old one may come back as it is if it ended in order. */
export function succeeded(before: DbClusterRecord, candidate: string, endedInOrder: boolean): DbClusterRecord {
  const { candidate: _chosen, ...cluster } = before
  const members = cluster.members.map((member): Member => {
    const { zone, id, resourceId, seedId } = member
    if (zone === candidate) return { zone, id, resourceId, state: 'following' }
    if (zone === cluster.writer) return { zone, id, resourceId, state: endedInOrder ? 'returning' : 'missing' }
    // A copy of the old writer makes no reader of the new one.
    if (member.state === 'building')
      return { zone, id, resourceId, state: 'missing', ...(seedId !== undefined && { seedId }) }
    return member
  })
  const awaited = members.filter(
    ({ zone, state }) => zone !== candidate && state === 'following' && cluster.electorate.includes(zone),
  )
  return regrouped(cluster, {
    members,
    writer: candidate,
    awaited: awaited.map(({ zone }) => zone),
    electorate: [],
    isSealed: false,
  })
}
