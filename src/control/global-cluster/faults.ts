import {
  GlobalClusterAlreadyExistsFault,
  GlobalClusterNotFoundFault,
  InvalidGlobalClusterStateFault,
} from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'

export const globalNotFound = (id: string): Error => fault(GlobalClusterNotFoundFault, `Global Cluster ${id} not found`)

export const globalExists = (id: string): Error =>
  fault(GlobalClusterAlreadyExistsFault, `Global Cluster already exists: ${id}`)

export const invalidGlobalState = (message: string): Error => fault(InvalidGlobalClusterStateFault, message)
