/** CreateDBSnapshot, and the record of any snapshot of an instance. */
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Mutation } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { instanceNotAvailable, invalidValue } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { requireIdentifier } from '../db-instance/identifiers.ts'
import { dbInstances, keyOf, subjectOf, type DbInstanceRecord, type Tag } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { statusOf } from '../db-instance/status.ts'
import { snapshotEvent } from '../flows/snapshot-writes.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags, withInherited } from '../tag/tags.ts'
import { OF_INSTANCES } from './kind.ts'
import { dbSnapshots, sourceOf, type DbSnapshotRecord } from './record.ts'

/** Longest identifier of a snapshot. Source: RDS API reference, CreateDBSnapshot. */
const SNAPSHOT_ID_LENGTH_MAX = 255

export function requireSnapshotName(member: string, name: string): string {
  if (/^(rds:|awsbackup:)/i.test(name))
    throw invalidValue(`The parameter ${member} is not a valid identifier: the prefix is kept for automated snapshots.`)
  return requireIdentifier(member, name, SNAPSHOT_ID_LENGTH_MAX)
}

/** A manual snapshot's record in `creating`, and the writes that make it. Throws DBSnapshotAlreadyExists. */
export async function newManualSnapshot(
  control: Control,
  instance: DbInstanceRecord,
  name: string,
  options: { resourceId: string; tags: readonly Tag[] },
): Promise<{ record: DbSnapshotRecord; writes: Mutation }> {
  const id = requireSnapshotName('DBSnapshotIdentifier', name)
  if (await dbSnapshots(control, instance).get(id)) throw OF_INSTANCES.exists(id)
  await requireQuota(control, instance, 'ManualSnapshots')
  const record = snapshotOf(control, instance, { id, type: 'manual', ...options })
  return {
    record,
    writes: together(
      dbSnapshots(control, instance).create(id, record),
      snapshotEvent(control, OF_INSTANCES, record, 'creating'),
    ),
  }
}

/** The record of a snapshot of this instance that is about to be taken. */
const snapshotOf = (
  control: Pick<Control, 'clock'>,
  instance: DbInstanceRecord,
  as: Pick<DbSnapshotRecord, 'id' | 'resourceId' | 'type' | 'tags'>,
): DbSnapshotRecord => newSnapshot(control, instance, { ...as, zone: instance.zone, instance: sourceOf(instance) })

/** A record of which nothing is there yet. */
export function newSnapshot(
  control: Pick<Control, 'clock'>,
  { account, region }: Scope,
  own: Pick<DbSnapshotRecord, 'id' | 'resourceId' | 'type' | 'tags' | 'instance' | 'zone'>,
): DbSnapshotRecord {
  const now = control.clock.now()
  return {
    ...own,
    account,
    region,
    status: 'creating',
    complaint: undefined,
    createdAt: now,
    originalCreatedAt: now,
    sizeBytes: 0,
    sourceArn: undefined,
    restorers: [],
  }
}

interface Input {
  readonly DBInstanceIdentifier: string
  readonly DBSnapshotIdentifier: string
  readonly Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
}

export async function createDbSnapshot(control: Control, scope: Scope, input: Input): Promise<DbSnapshotRecord> {
  const asked = checkTags(input.Tags ?? [])
  const { record, flowId } = await transact(control, async () => {
    const held = await requireInstance(control, scope, input.DBInstanceIdentifier)
    refuseMember(held.value, 'CreateDBSnapshot')
    const status = statusOf(control, held.value)
    if (status !== 'available' && status !== 'stopped') throw instanceNotAvailable(held.value.id, status)
    const { record, writes } = await newManualSnapshot(control, held.value, input.DBSnapshotIdentifier, {
      resourceId: newResourceId('snap', control.random),
      tags: withInherited(asked, held.value.settings.CopyTagsToSnapshot ? held.value.tags : []),
    })
    const key = keyOf(held.value)
    const flow = control.flows.start('create-db-snapshot', subjectOf(key), {
      key,
      snapshot: { name: record.id, resourceId: record.resourceId },
      phaseAfter: status,
    })
    return {
      mutation: together(
        dbInstances(control, scope).update(held, { ...held.value, phase: 'backing-up' }),
        writes,
        flow.writes,
      ),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}
