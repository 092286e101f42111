/** DescribeDBClusters and DescribeDBClusterEndpoints: clusters of both kinds together. */
import type { DBClusterEndpoint, Filter } from '@aws-sdk/client-rds'
import { endpointsOfAurora } from '../aurora-cluster/endpoints.ts'
import type { Control, Scope } from '../control.ts'
import { endpointsOf, endpointFilter } from '../db-cluster/endpoints.ts'
import { clusterFilter } from '../db-cluster/describe.ts'
import { allClusters, requireAnyCluster, type AnyCluster } from './names.ts'

interface AskedClusters {
  readonly DBClusterIdentifier?: string | undefined
  readonly Filters?: Filter[] | undefined
}

export async function listAnyClusters(control: Control, scope: Scope, asked: AskedClusters): Promise<AnyCluster[]> {
  const matches = clusterFilter(scope, asked.Filters ?? [])
  const id = asked.DBClusterIdentifier
  const clusters = id === undefined ? await allClusters(control, scope) : [await requireAnyCluster(control, scope, id)]
  return clusters.filter(matches)
}

interface AskedEndpoints extends AskedClusters {
  readonly DBClusterEndpointIdentifier?: string | undefined
}

/** Only custom endpoints have an identifier. */
export async function listClusterEndpoints(
  control: Control,
  scope: Scope,
  asked: AskedEndpoints,
): Promise<DBClusterEndpoint[]> {
  const matches = endpointFilter(asked.Filters ?? [])
  const clusters = await listAnyClusters(control, scope, { DBClusterIdentifier: asked.DBClusterIdentifier })
  const endpoints = clusters.flatMap((cluster) =>
    cluster.engine === 'postgres' ? endpointsOf(control, cluster) : endpointsOfAurora(control, cluster),
  )
  const id = asked.DBClusterEndpointIdentifier?.toLowerCase()
  const isAsked = (one: DBClusterEndpoint): boolean => id === undefined || one.DBClusterEndpointIdentifier === id
  return endpoints.filter((one) => isAsked(one) && matches(one))
}
