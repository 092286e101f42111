/** Copies and deletions of snapshots of either kind, and the attributes of those of instances. */
import { SharedSnapshotQuotaExceededFault } from '@aws-sdk/client-rds'
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
import { requireSnapshotName } from './create.ts'
import { requireOwnSnapshot, requireReadableSnapshot } from './find.ts'
import { notAvailable, OF_INSTANCES, type SnapshotKind } from './kind.ts'
import { dbSnapshots, type DbSnapshotRecord } from './record.ts'

interface Copy {
  readonly kind: SnapshotKind
  /** Name or ARN of what is copied. */
  readonly source: string
  readonly target: string
  readonly KmsKeyId?: string | undefined
  readonly Tags?: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined
  readonly CopyTags?: boolean | undefined
}

/** A copy is independent of its source: deleting either leaves the other. */
export async function copySnapshot(control: Control, scope: Scope, input: Copy): Promise<DbSnapshotRecord> {
  const { kind, KmsKeyId } = input
  refuseUnavailable(control, { KmsKeyId })
  const id = requireSnapshotName(kind.target, input.target)
  const tags = checkTags(input.Tags ?? [])
  const { record, flowId } = await transact(control, async () => {
    const source = (await requireReadableSnapshot(control, scope, { kind, name: input.source })).value
    const snapshots = kind.collection(control, scope)
    if (await snapshots.get(id)) throw kind.exists(id)
    if (source.status !== 'available') throw notAvailable(kind, source)
    await requireQuota(control, scope, kind.quota)
    const record: DbSnapshotRecord = {
      ...source,
      id,
      resourceId: newResourceId('snap', control.random),
      account: scope.account,
      region: scope.region,
      type: 'manual',
      status: 'copying',
      createdAt: control.clock.now(),
      sourceArn: rdsArn(source, kind.type, source.id),
      restorers: [],
      tags: input.CopyTags ? source.tags : tags,
    }
    const flow = control.flows.start(kind.flows.copy, kind.subjectOf(record), {
      scope,
      snapshot: { name: id, resourceId: record.resourceId },
      sourceId: source.resourceId,
    })
    return { mutation: together(snapshots.create(id, record), flow.writes), result: { record, flowId: flow.id } }
  })
  await started(control, flowId)
  return record
}

/** By the caller, who may not delete automated ones. */
export async function deleteSnapshot(
  control: Control,
  scope: Scope,
  named: { readonly kind: SnapshotKind; readonly name: string },
): Promise<DbSnapshotRecord> {
  const { kind } = named
  const { record, flowId } = await transact(control, async () => {
    const held = await requireOwnSnapshot(control, scope, named)
    if (held.value.type !== 'manual') throw kind.invalidState('Only manual snapshots can be deleted.')
    if (held.value.status !== 'available' && held.value.status !== 'failed') throw notAvailable(kind, held.value)
    const { record, flowId, writes } = startDeletion(control, kind, held)
    return { mutation: writes, result: { record, flowId } }
  })
  await started(control, flowId)
  return record
}

/** The record of a snapshot that is being deleted, and the writes that start it. */
export function startDeletion(
  control: Control,
  kind: SnapshotKind,
  held: Held<DbSnapshotRecord>,
): { record: DbSnapshotRecord; flowId: string; writes: Mutation } {
  const record: DbSnapshotRecord = { ...held.value, status: 'deleting' }
  const { account, region, id, resourceId } = record
  const flow = control.flows.start(kind.flows.remove, kind.subjectOf(record), {
    scope: { account, region },
    snapshot: { name: id, resourceId },
  })
  return {
    record,
    flowId: flow.id,
    writes: together(kind.collection(control, record).update(held, record), flow.writes),
  }
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
    const held = await requireOwnSnapshot(control, scope, {
      kind: OF_INSTANCES,
      name: input.DBSnapshotIdentifier,
    })
    if (held.value.type !== 'manual') throw invalidCombination('Only manual snapshots can be shared.')
    if (held.value.status !== 'available') throw notAvailable(OF_INSTANCES, held.value)
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
