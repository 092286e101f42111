/** The two addresses that a Multi-AZ DB cluster has for life, and what DescribeDBClusterEndpoints can be asked for. */
import type { DBClusterEndpoint, Filter } from '@aws-sdk/client-rds'
import type { Control } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import type { DbClusterRecord } from './record.ts'
import { readerEndpointOf } from './describe.ts'

export const endpointsOf = (control: Control, cluster: DbClusterRecord): DBClusterEndpoint[] => {
  if (!cluster.endpointKnown) return []
  const known = { DBClusterIdentifier: cluster.id, Status: statusOf(cluster) }
  return [
    { ...known, Endpoint: control.advertised.hostname, EndpointType: 'WRITER' },
    { ...known, Endpoint: readerEndpointOf(control, cluster), EndpointType: 'READER' },
  ]
}

/** The addresses are there from the cluster's first moment of service to its last. */
const statusOf = ({ phase }: DbClusterRecord): string => (phase === 'deleting' ? 'deleting' : 'available')

/** AWS: RDS API reference, DescribeDBClusterEndpoints, Filters. Joined by and, the values of one by or. */
export function endpointFilter(filters: readonly Filter[]): (endpoint: DBClusterEndpoint) => boolean {
  const tests = filters.map(({ Name, Values = [] }) => {
    if (Values.length === 0) throw invalidValue(`Filter ${Name} must have at least one value.`)
    const values = Values.map((value) => value.toLowerCase())
    switch (Name) {
      case 'db-cluster-endpoint-type':
        return ({ EndpointType }: DBClusterEndpoint) => values.includes(EndpointType!.toLowerCase())
      case 'db-cluster-endpoint-status':
        return ({ Status }: DBClusterEndpoint) => values.includes(Status!)
      case 'db-cluster-endpoint-custom-type':
        return ({ CustomEndpointType }: DBClusterEndpoint) => values.includes(CustomEndpointType?.toLowerCase() ?? '')
      case 'db-cluster-endpoint-id':
        return ({ DBClusterEndpointIdentifier }: DBClusterEndpoint) =>
          values.includes(DBClusterEndpointIdentifier ?? '')
      default:
        throw invalidValue(`Unrecognized filter name: ${Name}`)
    }
  })
  return (endpoint) => tests.every((test) => test(endpoint))
}
