/** DescribePendingMaintenanceActions: what instances have before them, in RDS's shape. */
import type { Filter, PendingMaintenanceAction, ResourcePendingMaintenanceActions } from '@aws-sdk/client-rds'
import { ResourceNotFoundFault } from '@aws-sdk/client-rds'
import type { Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { parseRdsArn, rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { listInstances } from '../db-instance/describe.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { pendingActions, type PendingAction } from './actions.ts'

/** The instance whose ARN this is. Throws InvalidParameterValue for what is no ARN, ResourceNotFoundFault for no instance. */
export async function maintainedInstance(
  control: Control,
  scope: Scope,
  resource: string,
): Promise<Held<DbInstanceRecord>> {
  const arn = parseRdsArn(resource)
  if (!arn) throw invalidValue(`Invalid resource name: ${resource}`)
  const isHere = arn.type === 'db' && arn.account === scope.account && arn.region === scope.region
  const held = isHere ? await dbInstances(control, scope).get(arn.id.toLowerCase()) : undefined
  if (!held) throw fault(ResourceNotFoundFault, `The specified resource ${resource} could not be found.`)
  return held
}

/** Of the instances that match; those without any action are left out. */
export async function listPendingMaintenance(
  control: Control,
  scope: Scope,
  asked: { ResourceIdentifier?: string | undefined; Filters?: Filter[] | undefined },
): Promise<ResourcePendingMaintenanceActions[]> {
  const only =
    asked.ResourceIdentifier === undefined
      ? undefined
      : (await maintainedInstance(control, scope, asked.ResourceIdentifier)).value.resourceId
  const records = await listInstances(control, scope, { Filters: asked.Filters })
  return records
    .filter(({ resourceId }) => only === undefined || resourceId === only)
    .map((record) => describeMaintenance(control, record))
    .filter(({ PendingMaintenanceActionDetails }) => PendingMaintenanceActionDetails!.length > 0)
}

export function describeMaintenance(control: Control, record: DbInstanceRecord): ResourcePendingMaintenanceActions {
  const isBeingMade = record.phase === 'creating' || record.phase === 'deleting'
  const actions = isBeingMade ? [] : pendingActions(record, { versions: control.versions, now: control.clock.now() })
  return {
    ResourceIdentifier: rdsArn(record, 'db', record.id),
    PendingMaintenanceActionDetails: actions.map(describeAction),
  }
}

function describeAction(action: PendingAction): PendingMaintenanceAction {
  const { autoAppliedAfter, forcedAt, appliesAt, optIn } = action
  return {
    Action: action.action,
    Description: action.description,
    ...(autoAppliedAfter !== undefined && { AutoAppliedAfterDate: new Date(autoAppliedAfter) }),
    ...(forcedAt !== undefined && { ForcedApplyDate: new Date(forcedAt) }),
    ...(appliesAt !== undefined && { CurrentApplyDate: new Date(appliesAt) }),
    ...(optIn !== undefined && { OptInStatus: optIn }),
  }
}
