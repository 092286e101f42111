import { refusePower } from '#control/db-cluster/power.ts'
import type { RdsHandler } from '../handler.ts'

export const StopDBCluster: RdsHandler<'StopDBCluster'> = ({ DBClusterIdentifier }, { control, ...scope }) =>
  refusePower(control, scope, { operation: 'StopDBCluster', idOrArn: DBClusterIdentifier })
