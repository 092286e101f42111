import { backtrackCluster } from '#control/aurora-cluster/backtrack.ts'
import type { RdsHandler } from '../handler.ts'

export const BacktrackDBCluster: RdsHandler<'BacktrackDBCluster'> = (input, context) =>
  backtrackCluster(context.control, context, input)
