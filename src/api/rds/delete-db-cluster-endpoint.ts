import { deleteClusterEndpoint } from '#control/aurora-cluster/endpoints.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBClusterEndpoint: RdsHandler<'DeleteDBClusterEndpoint'> = (input, context) =>
  deleteClusterEndpoint(context.control, context, input.DBClusterEndpointIdentifier)
