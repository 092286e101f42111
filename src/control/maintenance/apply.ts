/** ApplyPendingMaintenanceAction: somebody chooses when an action that is pending is done. */
import { ResourceNotFoundFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import type { MaintenanceNote, MaintenanceNotes } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { pendingActions, type PendingAction } from './actions.ts'
import { maintainedSubject } from './describe.ts'
import { beginMaintenance, type Subject } from './subject.ts'

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

/** The resource after the request was written. An immediate action has begun then; nobody waits for its end. */
export async function applyPendingMaintenance(control: Control, scope: Scope, asked: Asked): Promise<Subject> {
  const { subject, flowId } = await transact<{ subject: Subject; flowId?: string }>(control, async () => {
    const subject = await maintainedSubject(control, scope, asked.ResourceIdentifier)
    const action = requireAction(control, subject, asked)
    const optIn = asked.OptInType === 'undo-opt-in' ? undefined : (asked.OptInType as MaintenanceNote['optIn'])
    const noting = { ...subject, maintenance: noted(control, subject, action, optIn) }
    if (optIn !== 'immediate') return { mutation: subject.keep(noting.maintenance), result: { subject: noting } }
    const { flowId, status, writes } = beginMaintenance(control, noting, [action])
    return { mutation: writes, result: { subject: { ...noting, status }, flowId } }
  })
  if (flowId !== undefined) await started(control, flowId)
  return subject
}

function requireAction(control: Control, subject: Subject, asked: Asked): PendingAction {
  const { ApplyAction, OptInType } = asked
  if (!ACTIONS.includes(ApplyAction))
    throw invalidValue(`Invalid value ${ApplyAction} for ApplyAction. Valid values: ${ACTIONS.join(', ')}`)
  if (!OPT_INS.includes(OptInType))
    throw invalidValue(`Invalid value ${OptInType} for OptInType. Valid values: ${OPT_INS.join(', ')}`)
  const found = pendingActions(subject, { versions: control.versions, now: control.clock.now() }).find(
    ({ action }) => action === ApplyAction,
  )
  if (!found)
    throw fault(
      ResourceNotFoundFault,
      `The resource ${asked.ResourceIdentifier} has no pending maintenance action ${ApplyAction}.`,
    )
  const { status } = subject
  if (OptInType === 'immediate' && status !== 'available') throw subject.notAvailable()
  // What has begun is neither put off nor taken back.
  if (isUnderWay(subject, found) || status === 'creating' || status === 'deleting')
    throw subject.invalidState(`The maintenance of ${subject.name} cannot be changed while its status is ${status}.`)
  return found
}

/** Its change is among those that a flow makes now. */
const isUnderWay = ({ status, pending }: Subject, { action }: PendingAction): boolean =>
  action === 'db-upgrade'
    ? status === 'upgrading'
    : (status === 'maintenance' || status === 'modifying' || status === 'upgrading') &&
      pending.CACertificateIdentifier !== undefined

function noted(
  control: Control,
  { maintenance }: Subject,
  { action }: PendingAction,
  optIn: MaintenanceNote['optIn'],
): MaintenanceNotes {
  const now = control.clock.now()
  const { optIn: _before, optInAt: _then, ...kept } = maintenance?.[action] ?? { noticedAt: now }
  const note: MaintenanceNote = optIn === undefined ? kept : { ...kept, optIn, optInAt: now }
  return { ...maintenance, [action]: note }
}
