/** DeleteDBInstance. It may interrupt anything: its flow takes the place of the one that is alive. */
import { resourceId as newResourceId } from '#host/random.ts'
import { NOTHING, together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { newManualSnapshot } from '../db-snapshot/create.ts'
import { failUnfinishedSnapshots } from '../db-snapshot/interrupt.ts'
import { refuseFinalSnapshot } from '../read-replica/rules.ts'
import { invalidCombination, invalidState } from './faults.ts'
import { requireInstance } from './find.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord, type Phase } from './record.ts'
import { started } from './started.ts'

interface Input {
  readonly DBInstanceIdentifier: string
  readonly SkipFinalSnapshot?: boolean | undefined
  readonly FinalDBSnapshotIdentifier?: string | undefined
  readonly DeleteAutomatedBackups?: boolean | undefined
}

/** Phases in which the data cannot be copied, so that only SkipFinalSnapshot allows deletion. Source: RDS API reference. */
const UNFIT_FOR_SNAPSHOT: readonly Phase[] = [
  'creating',
  'failed',
  'incompatible-parameters',
  'incompatible-restore',
  'restore-error',
]

export async function deleteDbInstance(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const skip = input.SkipFinalSnapshot === true
  const name = input.FinalDBSnapshotIdentifier
  if (skip && name !== undefined)
    throw invalidCombination('FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled.')
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    refuseMember(held.value, 'DeleteDBInstance')
    check(held.value)
    refuseFinalSnapshot(held.value, name)
    if (!skip && name === undefined)
      throw invalidCombination('FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.')
    if (!skip && UNFIT_FOR_SNAPSHOT.includes(held.value.phase))
      throw invalidState(
        `Cannot take a final snapshot of instance ${held.value.id} while its status is ${held.value.phase}. Specify SkipFinalSnapshot.`,
      )
    const record: DbInstanceRecord = { ...held.value, phase: 'deleting' }
    const final = name === undefined ? undefined : await finalSnapshot(control, record, name)
    const key = keyOf(record)
    const flow = await control.flows.supersede('delete-db-instance', subjectOf(key), {
      key,
      keepsBackups: input.DeleteAutomatedBackups === false,
      finalSnapshot: final && { name: final.record.id, resourceId: final.record.resourceId },
      phaseBefore: held.value.phase === 'stopped' ? 'stopped' : 'available',
    })
    return {
      mutation: together(
        dbInstances(control, scope).update(held, record),
        final?.writes ?? NOTHING,
        await failUnfinishedSnapshots(control, record),
        flow.writes,
      ),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

function check(record: DbInstanceRecord): void {
  if (record.phase === 'deleting') throw invalidState(`Instance ${record.id} is already being deleted.`)
  if (record.settings.DeletionProtection)
    throw invalidCombination('Cannot delete protected DB Instance, please disable deletion protection and try again.')
}

function finalSnapshot(control: Control, record: DbInstanceRecord, name: string): ReturnType<typeof newManualSnapshot> {
  return newManualSnapshot(control, record, name, {
    resourceId: newResourceId('snap', control.random),
    tags: record.settings.CopyTagsToSnapshot ? record.tags : [],
  })
}
