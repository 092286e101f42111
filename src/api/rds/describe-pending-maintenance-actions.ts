import { listPendingMaintenance } from '#control/maintenance/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribePendingMaintenanceActions: RdsHandler<'DescribePendingMaintenanceActions'> = async (
  input,
  context,
) => {
  checkFilters(input.Filters, ['db-cluster-id', 'db-instance-id'])
  const resources = await listPendingMaintenance(context.control, context, input)
  const { items, Marker } = page(resources, { ...input, keyOf: (one) => one.ResourceIdentifier! })
  return { PendingMaintenanceActions: items, ...(Marker !== undefined && { Marker }) }
}
