import { listClusterEndpoints } from '#control/cluster/list.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBClusterEndpoints: RdsHandler<'DescribeDBClusterEndpoints'> = async (input, context) => {
  const endpoints = await listClusterEndpoints(context.control, context, input)
  const keyOf = (one: (typeof endpoints)[number]): string =>
    `${one.DBClusterIdentifier}/${one.EndpointType}/${one.DBClusterEndpointIdentifier ?? ''}`
  const { items, ...more } = page(endpoints, { ...input, keyOf })
  return { DBClusterEndpoints: items, ...more }
}
