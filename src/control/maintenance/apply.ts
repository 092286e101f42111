/** ApplyPendingMaintenanceAction: somebody chooses when an action that is pending is done. */
import { ResourceNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { instanceNotAvailable, invalidState, invalidValue } from '../db-instance/faults.ts'
import { dbInstances, type DbInstanceRecord, type MaintenanceNote } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'
import { pendingActions, type PendingAction } from './actions.ts'
import { beginMaintenance } from './begin.ts'
import { maintainedInstance } from './describe.ts'

/** AWS: API reference, ApplyPendingMaintenanceAction. Those that Holdfast has no cause for are known, and never pending. */
const ACTIONS = [
  'ca-certificate-rotation',
  'db-upgrade',
  'hardware-maintenance',
  'os-upgrade',
  'serverless-platform-version-update',
  'system-update',
]
const OPT_INS = ['immediate', 'next-maintenance', 'undo-opt-in']

interface Asked {
  readonly ResourceIdentifier: string
  readonly ApplyAction: string
  readonly OptInType: string
}

/** The instance after the request was written. An immediate action has begun then; nobody waits for its end. */
export async function applyPendingMaintenance(control: Control, scope: Scope, asked: Asked): Promise<DbInstanceRecord> {
  const { record, flowId } = await transact<{ record: DbInstanceRecord; flowId?: string }>(control, async () => {
    const held = await maintainedInstance(control, scope, asked.ResourceIdentifier)
    const action = requireAction(control, held.value, asked)
    const optIn = asked.OptInType === 'undo-opt-in' ? undefined : (asked.OptInType as MaintenanceNote['optIn'])
    const record = noted(control, held.value, action, optIn)
    if (optIn !== 'immediate') return { mutation: dbInstances(control, scope).update(held, record), result: { record } }
    const begun = beginMaintenance(control, { ...held, value: record }, [action])
    return { mutation: begun.writes, result: begun }
  })
  if (flowId === undefined) return record
  await started(control, flowId)
  return record
}

function requireAction(control: Control, record: DbInstanceRecord, asked: Asked): PendingAction {
  const { ApplyAction, OptInType } = asked
  if (!ACTIONS.includes(ApplyAction))
    throw invalidValue(`Invalid value ${ApplyAction} for ApplyAction. Valid values: ${ACTIONS.join(', ')}`)
  if (!OPT_INS.includes(OptInType))
    throw invalidValue(`Invalid value ${OptInType} for OptInType. Valid values: ${OPT_INS.join(', ')}`)
  const found = pendingActions(record, { versions: control.versions, now: control.clock.now() }).find(
    ({ action }) => action === ApplyAction,
  )
  if (!found)
    throw fault(
      ResourceNotFoundFault,
      `The resource ${asked.ResourceIdentifier} has no pending maintenance action ${ApplyAction}.`,
    )
  const status = statusOf(control, record)
  if (OptInType === 'immediate' && status !== 'available') throw instanceNotAvailable(record.id, status)
  // What has begun is neither put off nor taken back.
  if (isUnderWay(record, found) || status === 'creating' || status === 'deleting')
    throw invalidState(`The maintenance of instance ${record.id} cannot be changed while its status is ${status}.`)
  return found
}

/** Its change is among those that a flow makes now. */
const isUnderWay = ({ phase, pending }: DbInstanceRecord, { action }: PendingAction): boolean =>
  action === 'db-upgrade'
    ? phase === 'upgrading'
    : (phase === 'maintenance' || phase === 'modifying' || phase === 'upgrading') &&
      pending.CACertificateIdentifier !== undefined

function noted(
  control: Control,
  record: DbInstanceRecord,
  { action }: PendingAction,
  optIn: MaintenanceNote['optIn'],
): DbInstanceRecord {
  const now = control.clock.now()
  const { optIn: _before, optInAt: _then, ...kept } = record.maintenance?.[action] ?? { noticedAt: now }
  const note: MaintenanceNote = optIn === undefined ? kept : { ...kept, optIn, optInAt: now }
  return { ...record, maintenance: { ...record.maintenance, [action]: note } }
}
