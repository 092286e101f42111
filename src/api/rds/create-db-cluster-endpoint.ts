import { createClusterEndpoint } from '#control/aurora-cluster/endpoints.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBClusterEndpoint: RdsHandler<'CreateDBClusterEndpoint'> = (input, context) =>
  createClusterEndpoint(context.control, context, input)
