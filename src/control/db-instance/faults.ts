/** The faults that operations on DB instances share, in RDS's wording where it is known. */
import { DBInstanceAlreadyExistsFault, DBInstanceNotFoundFault, InvalidDBInstanceStateFault } from '@aws-sdk/client-rds'
import { AwsFault, fault } from '#wire/aws/faults.ts'

export const instanceNotFound = (id: string): Error => fault(DBInstanceNotFoundFault, `DBInstance ${id} not found.`)

export const instanceExists = (): Error => fault(DBInstanceAlreadyExistsFault, 'DB instance already exists')

export const instanceNotAvailable = (id: string, status: string): Error =>
  fault(InvalidDBInstanceStateFault, `Instance ${id} is not currently available: its status is ${status}.`)

export const invalidState = (message: string): Error => fault(InvalidDBInstanceStateFault, message)

export const invalidValue = (message: string): Error => new AwsFault('InvalidParameterValue', message)

export const invalidCombination = (message: string): Error => new AwsFault('InvalidParameterCombination', message)
