import { refusePower } from '#control/db-cluster/power.ts'
import type { RdsHandler } from '../handler.ts'

export const StartDBCluster: RdsHandler<'StartDBCluster'> = ({ DBClusterIdentifier }, { control, ...scope }) =>
  refusePower(control, scope, { operation: 'StartDBCluster', idOrArn: DBClusterIdentifier })
