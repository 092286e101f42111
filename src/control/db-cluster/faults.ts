/** The faults that operations on DB clusters share, in RDS's wording where it is known. */
import { DBClusterAlreadyExistsFault, DBClusterNotFoundFault, InvalidDBClusterStateFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'

export const clusterNotFound = (id: string): Error => fault(DBClusterNotFoundFault, `DBCluster ${id} not found.`)

export const clusterExists = (): Error => fault(DBClusterAlreadyExistsFault, 'DB Cluster already exists')

export const invalidClusterState = (message: string): Error => fault(InvalidDBClusterStateFault, message)

export const clusterNotAvailable = (id: string, status: string): Error =>
  invalidClusterState(`DB cluster ${id} is not currently available: its status is ${status}.`)
