import { applyPendingMaintenance } from '#control/maintenance/apply.ts'
import { describeMaintenance } from '#control/maintenance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const ApplyPendingMaintenanceAction: RdsHandler<'ApplyPendingMaintenanceAction'> = async (input, context) => ({
  ResourcePendingMaintenanceActions: describeMaintenance(
    context.control,
    await applyPendingMaintenance(context.control, context, input),
  ),
})
