import { ReservedDBInstanceNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** Nothing costs anything here, so nothing is reserved. */
export const DescribeReservedDBInstances: RdsHandler<'DescribeReservedDBInstances'> = (input) => {
  checkFilters(input.Filters)
  const { ReservedDBInstanceId: id } = input
  if (id !== undefined) throw fault(ReservedDBInstanceNotFoundFault, `Reserved DB Instance ${id} not found.`)
  return { ReservedDBInstances: page<never>([], { ...input, keyOf: () => '' }).items }
}
