import { modifyClusterEndpoint } from '#control/aurora-cluster/endpoints.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBClusterEndpoint: RdsHandler<'ModifyDBClusterEndpoint'> = (input, context) =>
  modifyClusterEndpoint(context.control, context, input)
