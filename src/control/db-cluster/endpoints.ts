/** DescribeDBClusterEndpoints: the two addresses that a cluster has for life. Custom ones are Aurora's. */
import type { DBClusterEndpoint, Filter } from '@aws-sdk/client-rds'
import type { Control, Scope } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import type { DbClusterRecord } from './record.ts'
import { listClusters, readerEndpointOf } from './describe.ts'

export async function listClusterEndpoints(
  control: Control,
  scope: Scope,
  asked: {
    readonly DBClusterIdentifier?: string | undefined
    readonly DBClusterEndpointIdentifier?: string | undefined
    readonly Filters?: Filter[] | undefined
  },
): Promise<DBClusterEndpoint[]> {
  const matches = filterOf(asked.Filters ?? [])
  const clusters = await listClusters(control, scope, { DBClusterIdentifier: asked.DBClusterIdentifier })
  // Only custom endpoints have an identifier.
  if (asked.DBClusterEndpointIdentifier !== undefined) return []
  return clusters
    .filter(({ endpointKnown }) => endpointKnown)
    .flatMap((cluster): DBClusterEndpoint[] => {
      const known = { DBClusterIdentifier: cluster.id, Status: statusOf(cluster) }
      return [
        { ...known, Endpoint: control.advertised.hostname, EndpointType: 'WRITER' },
        { ...known, Endpoint: readerEndpointOf(control, cluster), EndpointType: 'READER' },
      ]
    })
    .filter(matches)
}

/** The addresses are there from the cluster's first moment of service to its last. */
const statusOf = ({ phase }: DbClusterRecord): string => (phase === 'deleting' ? 'deleting' : 'available')

/** AWS: RDS API reference, DescribeDBClusterEndpoints, Filters. Joined by and, the values of one by or. */
function filterOf(filters: readonly Filter[]): (endpoint: DBClusterEndpoint) => boolean {
  const tests = filters.map(({ Name, Values = [] }) => {
    if (Values.length === 0) throw invalidValue(`Filter ${Name} must have at least one value.`)
    const values = Values.map((value) => value.toLowerCase())
    switch (Name) {
      case 'db-cluster-endpoint-type':
        return ({ EndpointType }: DBClusterEndpoint) => values.includes(EndpointType!.toLowerCase())
      case 'db-cluster-endpoint-status':
        return ({ Status }: DBClusterEndpoint) => values.includes(Status!)
      case 'db-cluster-endpoint-custom-type':
      case 'db-cluster-endpoint-id':
        return () => false
      default:
        throw invalidValue(`Unrecognized filter name: ${Name}`)
    }
  })
  return (endpoint) => tests.every((test) => test(endpoint))
}
