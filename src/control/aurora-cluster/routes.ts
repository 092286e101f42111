/** The gateways of an Aurora cluster: an address for life each, whoever is behind it. */
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { admitThroughGateway, applyGateway } from '../multi-az/route.ts'
import { memberRecords } from './find.ts'
import {
  clusterEndpointTargets,
  customEndpointTargets,
  instanceEndpointTargets,
  readerEndpointTargets,
} from './reach.ts'
import { isSecondary, type AuroraClusterRecord } from './record.ts'
import { reachableMembers, type ReachableMember } from './sight.ts'

interface Address {
  readonly id: string
  readonly port: number
  readonly targets: readonly ReachableMember[]
  readonly isClosed?: boolean
}

type Seeing = Pick<Control, 'store' | 'hosts'>

export const readerRouteOf = ({ resourceId }: AuroraClusterRecord): string => `${resourceId}-ro`

/** Every address of the cluster, and whom it leads to now. */
function addressesOf(cluster: AuroraClusterRecord, members: readonly ReachableMember[]): Address[] {
  return [
    {
      id: cluster.resourceId,
      port: cluster.port,
      targets: clusterEndpointTargets(members),
      // Nobody in a secondary region writes. On AWS the endpoint's name leads nowhere then.
      isClosed: isSecondary(cluster),
    },
    { id: readerRouteOf(cluster), port: cluster.readerPort, targets: readerEndpointTargets(members) },
    ...cluster.endpoints
      .filter(({ isDeleting }) => !isDeleting)
      .map((endpoint) => ({
        id: endpoint.resourceId,
        port: endpoint.port,
        targets: customEndpointTargets(endpoint, members),
      })),
    ...members.map(({ record: { resourceId, port } }) => ({
      id: resourceId,
      port,
      targets: instanceEndpointTargets(resourceId, members),
    })),
  ]
}

/** Those by which clients come to the writer now. */
export const routesToWriter = async (control: Seeing, cluster: AuroraClusterRecord): Promise<string[]> =>
  addressesOf(cluster, reachableMembers(control, cluster, await memberRecords(control, cluster)))
    .filter(({ targets }) => targets.some(({ isWriter }) => isWriter))
    .map(({ id }) => id)

/**
 * Every endpoint leads where it should when this resolves; one that leads to nobody keeps whoever comes waiting. Without
 * an instance there is nobody whose certificate could be shown, and no gateway.
 */
export async function routeCluster(control: Control, cluster: AuroraClusterRecord): Promise<void> {
  const members = reachableMembers(control, cluster, await memberRecords(control, cluster))
  const owner = members.find(({ record }) => record.certificate)?.record
  if (!owner) return
  for (const { id, port, targets, isClosed = false } of addressesOf(cluster, members)) {
    const engines = targets.map(({ record }) => record)
    const isHeld = engines.some(({ aurora }) => aurora?.pause)
    await applyGateway(control, { id, port, owner, engines, isHeld, isClosed }, { untilListening: engines.length > 0 })
  }
}

/** Whether an endpoint leads elsewhere than it should, as far as is seen. */
export async function routesDiffer(control: Control, cluster: AuroraClusterRecord): Promise<boolean> {
  const members = reachableMembers(control, cluster, await memberRecords(control, cluster))
  if (!members.some(({ record }) => record.certificate)) return false
  return addressesOf(cluster, members).some(({ id, targets }) => {
    const seen = Object.keys(control.endpoints.observed(id)?.connections ?? {})
    return seen.length !== targets.length || !targets.every(({ resourceId }) => seen.includes(resourceId))
  })
}

/** The rules of the security groups are in force at every gateway of the cluster when this resolves. */
export async function admitToAurora(
  control: Control,
  cluster: AuroraClusterRecord,
  owner: DbInstanceRecord,
): Promise<void> {
  for (const { id, port } of addressesOf(cluster, [])) await admitThroughGateway(control, { id, port, owner })
}

/** Those that are there without an instance, too; and those of instances that are still there. */
export async function removeAuroraRoutes(control: Control, cluster: AuroraClusterRecord): Promise<void> {
  const { resourceId, endpoints, members } = cluster
  const ids = [resourceId, readerRouteOf(cluster), ...[...endpoints, ...members].map((one) => one.resourceId)]
  for (const id of ids) await control.endpoints.remove(id)
}
