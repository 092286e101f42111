/** The cluster endpoint and the reader endpoint: an address for life each. Those of the instances are multi-az/route.ts. */
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { admitThroughGateway, applyGateway, openRoute, type Gateway } from '../multi-az/route.ts'
import type { DbClusterRecord, MemberRecords } from './record.ts'

/** Members share one certificate and the security groups: any of them can stand for all. */
type Address = Pick<Gateway, 'id' | 'port' | 'owner'>

const clusterAddress = ({ resourceId, port }: DbClusterRecord, owner: DbInstanceRecord): Address => ({
  id: resourceId,
  port,
  owner,
})

const readerAddress = (cluster: DbClusterRecord, owner: DbInstanceRecord): Address => ({
  id: readerRouteOf(cluster),
  port: cluster.readerPort,
  owner,
})

const readerRouteOf = ({ resourceId }: DbClusterRecord): string => `${resourceId}-ro`

const writerIn = (members: MemberRecords, { writer }: DbClusterRecord): DbInstanceRecord => members.get(writer)!.value

/** Clients of the cluster endpoint are let in to the writer when this resolves. */
export const openClusterRoute = (control: Control, cluster: DbClusterRecord, members: MemberRecords): Promise<void> =>
  applyGateway(
    control,
    { ...clusterAddress(cluster, writerIn(members, cluster)), engines: [writerIn(members, cluster)] },
    { untilListening: true },
  )

/** Nobody writes through the cluster endpoint any more when this resolves; whoever comes is kept waiting. */
export const cutClusterRoute = (control: Control, cluster: DbClusterRecord, members: MemberRecords): Promise<void> =>
  applyGateway(
    control,
    { ...clusterAddress(cluster, writerIn(members, cluster)), engines: [] },
    { untilListening: false },
  )

/** New clients of the reader endpoint are spread over these. */
export const routeReaders = (
  control: Control,
  cluster: DbClusterRecord,
  { members, zones }: { members: MemberRecords; zones: readonly string[] },
): Promise<void> =>
  applyGateway(
    control,
    { ...readerAddress(cluster, writerIn(members, cluster)), engines: zones.map((zone) => members.get(zone)!.value) },
    { untilListening: true },
  )

/** Every endpoint of the cluster shows its members' certificate, and leads where it should, when this resolves. */
export async function openEveryRoute(
  control: Control,
  cluster: DbClusterRecord,
  members: MemberRecords,
): Promise<void> {
  for (const { value } of members.values()) await openRoute(control, value)
  await openClusterRoute(control, cluster, members)
  if (cluster.readers.length > 0) await routeReaders(control, cluster, { members, zones: cluster.readers })
}

/** The rules of the security groups are in force at both when this resolves. */
export async function admitToCluster(
  control: Control,
  cluster: DbClusterRecord,
  member: DbInstanceRecord,
): Promise<void> {
  for (const address of [clusterAddress(cluster, member), readerAddress(cluster, member)])
    await admitThroughGateway(control, address)
}

export async function removeClusterRoutes(control: Control, cluster: DbClusterRecord): Promise<void> {
  for (const id of [cluster.resourceId, readerRouteOf(cluster), ...cluster.members.map((member) => member.resourceId)])
    await control.endpoints.remove(id)
}
