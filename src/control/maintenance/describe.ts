/** DescribePendingMaintenanceActions: what instances have before them, in RDS's shape. */
import type { Filter, PendingMaintenanceAction, ResourcePendingMaintenanceActions } from '@aws-sdk/client-rds'
import { ResourceNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { listClusters } from '../db-cluster/describe.ts'
import { dbClusters } from '../db-cluster/record.ts'
import { listInstances } from '../db-instance/describe.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { dbInstances } from '../db-instance/record.ts'
import { pendingActions, type PendingAction } from './actions.ts'
import { clusterSubject, instanceSubject, type Subject } from './subject.ts'

/** Whose ARN this is. Throws InvalidParameterValue for what is no ARN, ResourceNotFoundFault for nobody here. */
export async function maintainedSubject(control: Control, scope: Scope, resource: string): Promise<Subject> {
  const arn = parseRdsArn(resource)
  if (!arn) throw invalidValue(`Invalid resource name: ${resource}`)
  if (arn.account === scope.account && arn.region === scope.region) {
    const id = arn.id.toLowerCase()
    const instance = arn.type === 'db' ? await dbInstances(control, scope).get(id) : undefined
    // Members of a cluster have no maintenance of their own.
    if (instance && !instance.value.cluster) return instanceSubject(control, instance)
    const cluster = arn.type === 'cluster' ? await dbClusters(control, scope).get(id) : undefined
    if (cluster) return clusterSubject(control, cluster)
  }
  throw fault(ResourceNotFoundFault, `The specified resource ${resource} could not be found.`)
}

interface Asked {
  readonly ResourceIdentifier?: string | undefined
  readonly Filters?: Filter[] | undefined
}

/** Of the instances and clusters that match; those without any action are left out. */
export async function listPendingMaintenance(
  control: Control,
  scope: Scope,
  asked: Asked,
): Promise<ResourcePendingMaintenanceActions[]> {
  const only =
    asked.ResourceIdentifier === undefined
      ? undefined
      : (await maintainedSubject(control, scope, asked.ResourceIdentifier)).arn
  const subjects = [...(await instances(control, scope, asked)), ...(await clusters(control, scope, asked))]
  return subjects
    .filter(({ arn }) => only === undefined || arn === only)
    .map((subject) => describeMaintenance(control, subject))
    .filter(({ PendingMaintenanceActionDetails }) => PendingMaintenanceActionDetails!.length > 0)
}

/** Filters are joined by and: one for clusters leaves no instance over that is none's member. */
async function instances(control: Control, scope: Scope, { Filters = [] }: Asked): Promise<Subject[]> {
  const subjects: Subject[] = []
  for (const record of await listInstances(control, scope, { Filters })) {
    const held = record.cluster ? undefined : await dbInstances(control, scope).get(record.id)
    if (held) subjects.push(instanceSubject(control, held))
  }
  return subjects
}

async function clusters(control: Control, scope: Scope, { Filters = [] }: Asked): Promise<Subject[]> {
  if (Filters.some(({ Name }) => Name === 'db-instance-id')) return []
  const subjects: Subject[] = []
  for (const record of await listClusters(control, scope, { Filters })) {
    const held = await dbClusters(control, scope).get(record.id)
    if (held) subjects.push(await clusterSubject(control, held))
  }
  return subjects
}

export function describeMaintenance(control: Control, subject: Subject): ResourcePendingMaintenanceActions {
  const isBeingMade = subject.status === 'creating' || subject.status === 'deleting'
  const actions = isBeingMade ? [] : pendingActions(subject, { versions: control.versions, now: control.clock.now() })
  return { ResourceIdentifier: subject.arn, PendingMaintenanceActionDetails: actions.map(describeAction) }
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
