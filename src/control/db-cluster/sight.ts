/** What is seen of a cluster's members. */
import type { Control } from '../control.ts'
import { copySeen, lossOf, streamsFrom } from '../multi-az/copies.ts'
import { isGatewayOpen } from '../multi-az/route.ts'
import { memberIn, readersOf, zonesEqual, type DbClusterRecord, type Member } from './record.ts'

type Seeing = Pick<Control, 'hosts'>

/** Its engine accepts connections. */
const isServing = (control: Seeing, member: Member): boolean => copySeen(control, member)?.accepting === true

export const writerServes = (control: Seeing, cluster: DbClusterRecord): boolean =>
  isServing(control, memberIn(cluster, cluster.writer))

export const streamsFromWriter = (control: Seeing, cluster: DbClusterRecord, member: Member): boolean =>
  member.state === 'following' && streamsFrom(control, memberIn(cluster, cluster.writer), member)

/** Why the writer cannot serve, by more than one witness; undefined: it does, or nobody can tell. */
export const lossOfWriter = (control: Seeing, cluster: DbClusterRecord): string | undefined =>
  lossOf(
    control,
    memberIn(cluster, cluster.writer),
    readersOf(cluster).filter(({ state }) => state === 'following'),
  )

/** Both readers follow, and whatever becomes of one member, nothing that was acknowledged is lost. */
export const isWhole = (cluster: DbClusterRecord): boolean =>
  cluster.told === cluster.generation &&
  cluster.electorate.length === readersOf(cluster).length &&
  zonesEqual(cluster.awaited, cluster.electorate)

/** All who have to be asked which log is the longest could be asked now. */
export const canElect = (control: Seeing, cluster: DbClusterRecord): boolean =>
  cluster.electorate.length > 0 &&
  cluster.electorate.every((zone) => {
    const seen = copySeen(control, memberIn(cluster, zone))
    return control.hosts.isConnected(zone) && seen?.accepting === true && seen.replication?.role === 'standby'
  })

/** It serves, and what it shows was or will be the writer's: it streams, or is waited for. */
export const isReadable = (control: Seeing, cluster: DbClusterRecord, member: Member): boolean =>
  isServing(control, member) &&
  (member.zone === cluster.writer ||
    cluster.awaited.includes(member.zone) ||
    streamsFromWriter(control, cluster, member))

/** The members that the reader endpoint is for: readers, else the writer. */
export function readableZones(control: Seeing, cluster: DbClusterRecord): string[] {
  const readable = readersOf(cluster).filter((member) => isReadable(control, cluster, member))
  return readable.length > 0 ? readable.map(({ zone }) => zone) : [cluster.writer]
}

/** `available` only while clients of the cluster endpoint reach the writer. */
export function clusterStatusOf(
  control: Pick<Control, 'hosts' | 'endpoints' | 'simulated'>,
  cluster: DbClusterRecord,
): string {
  if (cluster.phase !== 'available' && cluster.phase !== 'failed') return cluster.phase
  if (writerServes(control, cluster) && isGatewayOpen(control, cluster.resourceId))
    return cluster.pendingVerifier === undefined ? 'available' : 'resetting-master-credentials'
  return cluster.phase === 'failed' ? 'failed' : 'starting'
}
