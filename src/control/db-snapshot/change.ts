/** CopyDBSnapshot, DeleteDBSnapshot and the attributes of snapshots. */
import { InvalidDBSnapshotStateFault, SharedSnapshotQuotaExceededFault } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Held, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { started } from '../db-instance/started.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { requireSnapshotName, snapshotExists } from './create.ts'
import { requireOwnSnapshot, requireReadableSnapshot } from './find.ts'
import { dbSnapshots, snapshotSubject, type DbSnapshotRecord } from './record.ts'

const notAvailable = (record: DbSnapshotRecord): Error =>
  fault(InvalidDBSnapshotStateFault, `Snapshot ${record.id} is not in the available state: it is ${record.status}.`)

interface CopyInput {
  readonly SourceDBSnapshotIdentifier: string
  readonly TargetDBSnapshotIdentifier: string
  readonly KmsKeyId?: string | undefined
  readonly Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
  readonly CopyTags?: boolean | undefined
  readonly OptionGroupName?: string | undefined
}

/** A copy is independent of its source: deleting either leaves the other. */
export async function copyDbSnapshot(control: Control, scope: Scope, input: CopyInput): Promise<DbSnapshotRecord> {
  refuseUnavailable(control, { KmsKeyId: input.KmsKeyId })
  const id = requireSnapshotName('TargetDBSnapshotIdentifier', input.TargetDBSnapshotIdentifier)
  const tags = checkTags(input.Tags ?? [])
  const { record, flowId } = await transact(control, async () => {
    const source = (await requireReadableSnapshot(control, scope, input.SourceDBSnapshotIdentifier)).value
    if (await dbSnapshots(control, scope).get(id)) throw snapshotExists(id)
    if (source.status !== 'available') throw notAvailable(source)
    await requireQuota(control, scope, 'ManualSnapshots')
    const record: DbSnapshotRecord = {
      ...source,
      id,
      resourceId: newResourceId('snap', control.random),
      account: scope.account,
      region: scope.region,
      type: 'manual',
      status: 'copying',
      createdAt: control.clock.now(),
      sourceArn: rdsArn(source, 'snapshot', source.id),
      restorers: [],
      tags: input.CopyTags ? source.tags : tags,
    }
    const flow = control.flows.start('copy-db-snapshot', snapshotSubject(record), {
      scope,
      snapshot: { name: id, resourceId: record.resourceId },
      sourceId: source.resourceId,
    })
    return {
      mutation: together(dbSnapshots(control, scope).create(id, record), flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

export async function deleteDbSnapshot(
  control: Control,
  scope: Scope,
  input: { DBSnapshotIdentifier: string },
): Promise<DbSnapshotRecord> {
  const { record, flowId } = await transact(control, async () => {
    const held = await requireOwnSnapshot(control, scope, input.DBSnapshotIdentifier)
    if (held.value.type !== 'manual') throw fault(InvalidDBSnapshotStateFault, 'Only manual snapshots can be deleted.')
    if (held.value.status !== 'available' && held.value.status !== 'failed') throw notAvailable(held.value)
    const { record, flowId, writes } = startDeletion(control, held)
    return { mutation: writes, result: { record, flowId } }
  })
  await started(control, flowId)
  return record
}

/** The record of a snapshot that is being deleted, and the writes that start it. */
export function startDeletion(
  control: Control,
  held: Held<DbSnapshotRecord>,
): { record: DbSnapshotRecord; flowId: string; writes: Mutation } {
  const record: DbSnapshotRecord = { ...held.value, status: 'deleting' }
  const { account, region, id, resourceId } = record
  const flow = control.flows.start('delete-db-snapshot', snapshotSubject(record), {
    scope: { account, region },
    snapshot: { name: id, resourceId },
  })
  return { record, flowId: flow.id, writes: together(dbSnapshots(control, record).update(held, record), flow.writes) }
}

/** AWS: a snapshot can be shared with at most this many accounts. */
const SHARED_ACCOUNTS_MAX = 20

interface AttributeInput {
  readonly DBSnapshotIdentifier: string
  readonly AttributeName: string
  readonly ValuesToAdd?: string[] | undefined
  readonly ValuesToRemove?: string[] | undefined
}

export async function modifyDbSnapshotAttribute(
  control: Control,
  scope: Scope,
  input: AttributeInput,
): Promise<DbSnapshotRecord> {
  if (input.AttributeName !== 'restore') throw invalidValue(`Invalid attribute name: ${input.AttributeName}`)
  const [added, removed] = [input.ValuesToAdd ?? [], input.ValuesToRemove ?? []]
  for (const account of added)
    if (account !== 'all' && !/^\d{12}$/.test(account)) throw invalidValue(`Invalid AWS account ID: ${account}`)
  return transact(control, async () => {
    const held = await requireOwnSnapshot(control, scope, input.DBSnapshotIdentifier)
    if (held.value.type !== 'manual') throw invalidCombination('Only manual snapshots can be shared.')
    if (held.value.status !== 'available') throw notAvailable(held.value)
    const restorers = [...new Set([...held.value.restorers, ...added])].filter((account) => !removed.includes(account))
    if (restorers.length > SHARED_ACCOUNTS_MAX)
      throw fault(
        SharedSnapshotQuotaExceededFault,
        `A snapshot can be shared with at most ${SHARED_ACCOUNTS_MAX} accounts.`,
      )
    const record: DbSnapshotRecord = { ...held.value, restorers }
    return { mutation: dbSnapshots(control, scope).update(held, record), result: record }
  })
}
