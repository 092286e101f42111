/** Who is connected to the instances of an Aurora cluster, and who waits, as its gateways say. */
import type { ObservedRoute } from '#wire/endpoint/messages.ts'
import type { Control } from '../control.ts'
import { isPaused } from '../db-instance/pause.ts'
import { isServerless } from '../db-instance/size.ts'
import { wantedOf, type PauseMember } from './pause-rules.ts'
import { customEndpointTargets } from './reach.ts'
import { isWriter, type AuroraClusterRecord, type AuroraMemberRecords } from './record.ts'
import { readerRouteOf } from './routes.ts'
import { goesWithWriter } from './scale-together.ts'

type Seeing = Pick<Control, 'endpoints'>

/** The names of every gateway of the cluster. */
export const routeIdsOf = (cluster: AuroraClusterRecord): string[] => [
  cluster.resourceId,
  readerRouteOf(cluster),
  ...cluster.endpoints.filter(({ isDeleting }) => !isDeleting).map(({ resourceId }) => resourceId),
  ...cluster.members.map(({ resourceId }) => resourceId),
]

/** Undefined while not all of them are seen, or one does not count its connections. */
function seenRoutes({ endpoints }: Seeing, cluster: AuroraClusterRecord): ObservedRoute[] | undefined {
  const seen = routeIdsOf(cluster).map((id) => endpoints.observed(id))
  return seen.every((route) => route?.visits) ? (seen as ObservedRoute[]) : undefined
}

export interface Activity {
  readonly connections: number
  /** Connections that were ever begun: one that was short is seen by this. */
  readonly visits: number
}

/** Of one instance. Undefined: it is not known. */
export function activityOf(control: Seeing, cluster: AuroraClusterRecord, resourceId: string): Activity | undefined {
  const sum = (of: (route: ObservedRoute) => number | undefined): number =>
    seenRoutes(control, cluster)!.reduce((total, route) => total + (of(route) ?? 0), 0)
  if (!seenRoutes(control, cluster)) return undefined
  return {
    connections: sum(({ connections }) => connections[resourceId]),
    visits: sum(({ visits }) => visits![resourceId]),
  }
}

/** Whether somebody is connected to one of the instances, or waits where one is led to; also when that is not known. */
export function isInUse(control: Seeing, cluster: AuroraClusterRecord, ids: readonly string[]): boolean {
  const routes = seenRoutes(control, cluster)
  if (!routes) return true
  const leading = routes.filter(({ connections }) => ids.some((id) => id in connections))
  return leading.some(({ waiting, connections }) => waiting > 0 || ids.some((id) => (connections[id] ?? 0) > 0))
}

type Sleeper = Omit<PauseMember, 'idleMs'>

export const sleepersIn = (cluster: AuroraClusterRecord, records: AuroraMemberRecords): Sleeper[] =>
  [...records.values()].map(({ value }) => ({
    resourceId: value.resourceId,
    isWriter: isWriter(cluster, value),
    isServerless: isServerless(value.settings),
    goesWithWriter: goesWithWriter(cluster, value),
    isPaused: isPaused(value),
  }))

/** The instances that somebody waits for. */
export function wantedIn(
  { endpoints }: Seeing,
  cluster: AuroraClusterRecord,
  members: readonly Sleeper[],
): Set<string> {
  const isWaitedAt = (id: string): boolean => (endpoints.observed(id)?.waiting ?? 0) > 0
  const readers = members.filter((member) => !member.isWriter)
  const able = members.map((member) => ({ ...member, isServing: true }))
  const wanted = [
    isWaitedAt(cluster.resourceId) ? wantedOf(members.filter((member) => member.isWriter)) : undefined,
    isWaitedAt(readerRouteOf(cluster)) ? wantedOf(readers.length > 0 ? readers : members) : undefined,
    ...cluster.endpoints
      .filter(({ resourceId }) => isWaitedAt(resourceId))
      .map((endpoint) => wantedOf(customEndpointTargets(endpoint, able))),
    ...members.filter(({ resourceId }) => isWaitedAt(resourceId)).map((member) => wantedOf([member])),
  ]
  return new Set(wanted.filter((id) => id !== undefined))
}
