/** What is seen of an Aurora cluster and its instances. */
import type { Control } from '../control.ts'
import { isPaused } from '../db-instance/pause.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { sizeOf } from '../db-instance/size.ts'
import { isGatewayOpen } from '../multi-az/route.ts'
import type { Candidate } from './successor.ts'
import { isWriter, type AuroraClusterRecord, type AuroraMember, type AuroraMemberRecords } from './record.ts'
import type { Reachable } from './reach.ts'

type Seeing = Pick<Control, 'hosts'>

/** Its engine accepts connections. */
export const serves = ({ hosts }: Seeing, { zone, resourceId }: AuroraMember): boolean =>
  hosts.observed(zone, resourceId)?.accepting === true

/** It receives the volume's log now. */
export const streams = ({ hosts }: Seeing, { zone, resourceId }: AuroraMember): boolean =>
  hosts.observed(zone, resourceId)?.volume?.isStreaming === true

/** Its engine runs, and follows the volume's log. */
export const reads = ({ hosts }: Seeing, { zone, resourceId }: AuroraMember): boolean =>
  hosts.observed(zone, resourceId)?.volume?.isWriter === false

/** Why it cannot follow the volume's log, where that will not come right by itself. */
export const obstacleOf = ({ hosts }: Seeing, { zone, resourceId }: AuroraMember): string | undefined =>
  hosts.observed(zone, resourceId)?.volume?.obstacle

/** It never follows again on what it has: only a copy of an image of the volume does. */
export const needsRenewal = (control: Seeing, member: AuroraMember): boolean =>
  ['diverged', 'log-removed'].includes(obstacleOf(control, member) ?? '')

/** Its agent has tried to start it often, and it is not its settings, nor room, that it wants. */
export function isDown({ hosts }: Seeing, { zone, resourceId }: AuroraMember): boolean {
  const { state, lastError } = hosts.observed(zone, resourceId) ?? {}
  return (state === 'failed' && lastError?.code === 'failed') || (state !== 'running' && lastError?.code === 'diverged')
}

const writerOf = ({ members, writer }: AuroraClusterRecord): AuroraMember | undefined =>
  members.find(({ resourceId }) => resourceId === writer)

/** By what it is to be, an instance is for clients. */
const isForClients = (record: DbInstanceRecord): boolean => record.phase === 'available' && !isPaused(record)

export interface ReachableMember extends Reachable {
  readonly record: DbInstanceRecord
}

/** The instances as endpoints see them. */
export const reachableMembers = (
  control: Seeing,
  cluster: AuroraClusterRecord,
  records: AuroraMemberRecords,
): ReachableMember[] =>
  cluster.members.flatMap((member) => {
    const record = records.get(member.resourceId)?.value
    if (!record) return []
    const writes = isWriter(cluster, member)
    // A writer is one for clients once its epoch is.
    const isServing = serves(control, member) && isForClients(record) && (!writes || cluster.isOpen)
    return [{ resourceId: member.resourceId, isWriter: writes, isServing, isPaused: isPaused(record), record }]
  })

/** Readers that could become the writer now. */
export const candidatesIn = (
  control: Seeing,
  cluster: AuroraClusterRecord,
  records: AuroraMemberRecords,
): Candidate[] =>
  reachableMembers(control, cluster, records)
    // One that is about to be paused could be stopped while it takes over.
    .filter(({ isServing, isWriter: writes, record }) => isServing && !writes && !record.aurora?.pause)
    .filter(({ record }) => control.hosts.isConnected(record.zone))
    .map(({ record: { resourceId, id, zone, settings, aurora } }) => {
      const { memoryBytes, vcpus } = sizeOf(settings)
      return { resourceId, id, zone, promotionTier: aurora!.promotionTier, memoryBytes, vcpus }
    })

/** `available` also without an instance; where there is a writer, only while clients of the cluster endpoint reach it. */
export function auroraStatusOf(
  control: Pick<Control, 'hosts' | 'endpoints' | 'simulated'>,
  cluster: AuroraClusterRecord,
): string {
  if (cluster.phase !== 'available') return cluster.phase
  const writer = writerOf(cluster)
  if (
    cluster.isOpen &&
    !cluster.isAsleep &&
    writer &&
    !(serves(control, writer) && isGatewayOpen(control, cluster.resourceId))
  )
    return 'starting'
  return cluster.pendingVerifier === undefined ? 'available' : 'resetting-master-credentials'
}
