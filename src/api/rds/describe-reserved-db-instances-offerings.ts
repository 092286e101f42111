import { ReservedDBInstancesOfferingNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** Nothing costs anything here, so nothing can be reserved. */
export const DescribeReservedDBInstancesOfferings: RdsHandler<'DescribeReservedDBInstancesOfferings'> = (input) => {
  checkFilters(input.Filters)
  const { ReservedDBInstancesOfferingId: id } = input
  if (id !== undefined) throw fault(ReservedDBInstancesOfferingNotFoundFault, `Offering ${id} not found.`)
  return { ReservedDBInstancesOfferings: page<never>([], { ...input, keyOf: () => '' }).items }
}
