import { ResourceNotFoundFault } from '@aws-sdk/client-rds'
import { parseRdsArn } from '#control/arn.ts'
import { dbInstances } from '#control/db-instance/record.ts'
import { AwsFault, fault } from '#wire/aws/faults.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

/** Nothing is ever forced on an instance: an upgrade is asked for by ModifyDBInstance. */
export const DescribePendingMaintenanceActions: RdsHandler<'DescribePendingMaintenanceActions'> = async (
  input,
  context,
) => {
  checkFilters(input.Filters, ['db-cluster-id', 'db-instance-id'])
  if (input.ResourceIdentifier !== undefined) {
    const arn = parseRdsArn(input.ResourceIdentifier)
    if (!arn) throw new AwsFault('InvalidParameterValue', `Invalid resource name: ${input.ResourceIdentifier}`)
    if (arn.type !== 'db' || !(await dbInstances(context.control, context).get(arn.id.toLowerCase())))
      throw fault(ResourceNotFoundFault, `The specified resource ${input.ResourceIdentifier} could not be found.`)
  }
  return { PendingMaintenanceActions: page<never>([], { ...input, keyOf: () => '' }).items }
}
