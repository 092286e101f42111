/**
 * Start- and StopDBInstanceAutomatedBackupsReplication: another region's copy of an instance's automated backups. Once it
 * is there it needs nothing of its source: it stays when that is gone, until its time is up or somebody deletes it.
 */
import { DBInstanceAutomatedBackupNotFoundFault } from '@aws-sdk/client-rds'
import { Collection, NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { isArn, parseRdsArn, rdsArn } from '../arn.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { prefixOf, transact, type Control, type Scope } from '../control.ts'
import { instanceNotFound, invalidState, invalidValue } from '../db-instance/faults.ts'
import { requireInstance } from '../db-instance/find.ts'
import { findByKey, keyOf, timerSubjectOf, type InstanceKey } from '../db-instance/record.ts'
import { requireRetention } from '../db-instance/settings.ts'
import { sourceOf, type SnapshotSource } from '../db-snapshot/record.ts'

export interface BackupReplicaRecord {
  readonly source: InstanceKey
  /** Nothing is copied any more, and what is there is kept for its time. */
  readonly isStopped: boolean
  readonly retentionDays: number
  /** Of a host that can reach the archive. */
  readonly zone: string
  readonly instance: SnapshotSource
}

/** In the region that has the copies, by the source's resource id. */
export const backupReplicas = (control: Pick<Control, 'store'>, scope: Scope): Collection<BackupReplicaRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-backup-replica'))

/** In the region of the source: which other regions have copies that are kept up, `<resource id>/<region>`. */
const backupCopies = (control: Pick<Control, 'store'>, scope: Scope): Collection<{ readonly region: string }> =>
  new Collection(control.store, prefixOf(scope, 'db-backup-copy'))

/** The copies of one instance's backups belong to this: the same instance, in the region that they are in. */
const replicaKey = (scope: Scope, { resourceId }: Pick<InstanceKey, 'resourceId'>): InstanceKey => ({
  account: scope.account,
  region: scope.region,
  resourceId,
})

interface StartInput {
  readonly SourceDBInstanceArn: string
  readonly BackupRetentionPeriod?: number | undefined
  readonly KmsKeyId?: string | undefined
}

/** AWS: RDS API reference, StartDBInstanceAutomatedBackupsReplication: the default is seven days. */
const RETENTION_DAYS_DEFAULT = 7

export async function startBackupReplication(control: Control, scope: Scope, input: StartInput): Promise<InstanceKey> {
  refuseUnavailable(control, { KmsKeyId: input.KmsKeyId })
  const retentionDays = requireRetention(input.BackupRetentionPeriod ?? RETENTION_DAYS_DEFAULT)
  if (retentionDays === 0) throw invalidValue('BackupRetentionPeriod must be at least 1 for replicated backups.')
  const from = sourceScope(scope, input.SourceDBInstanceArn)
  const { key, flowId } = await transact(control, async () => {
    const { value: record } = await requireInstance(control, from, input.SourceDBInstanceArn)
    if (record.settings.BackupRetentionPeriod === 0)
      throw invalidState(`The DB instance ${record.id} has no automated backups that could be replicated.`)
    const key = replicaKey(scope, record)
    const held = await backupReplicas(control, scope).get(key.resourceId)
    if (held && !held.value.isStopped)
      throw invalidState(`The automated backups of ${record.id} are replicated to ${scope.region} already.`)
    const replica: BackupReplicaRecord = {
      source: keyOf(record),
      isStopped: false,
      retentionDays,
      zone: record.zone,
      instance: sourceOf(record),
    }
    const flow = await control.flows.supersede('replicate-db-backups', timerSubjectOf(key, 'backup'), { key })
    const collection = backupReplicas(control, scope)
    const writes = held ? collection.update(held, replica) : collection.create(key.resourceId, replica)
    const copy = backupCopies(control, from).create(`${key.resourceId}/${scope.region}`, { region: scope.region })
    return { mutation: together(writes, copy, flow.writes), result: { key, flowId: flow.id } }
  })
  control.flows.wake(flowId)
  return key
}

export async function stopBackupReplication(control: Control, scope: Scope, sourceArn: string): Promise<InstanceKey> {
  const from = sourceScope(scope, sourceArn)
  const key = await transact(control, async () => {
    const held = await replicaOf(control, scope, { from, sourceArn })
    if (held.value.isStopped) throw invalidState('The replication of these automated backups was stopped already.')
    const stopped = backupReplicas(control, scope).update(held, { ...held.value, isStopped: true })
    return {
      mutation: together(stopped, await removeCopy(control, scope, held.value)),
      result: replicaKey(scope, held.value.source),
    }
  })
  control.flows.wakeSubjects(timerSubjectOf(key, 'backup'))
  return key
}

/** The source does not say any more that it is copied to here. */
export async function removeCopy(
  control: Pick<Control, 'store'>,
  { region }: Scope,
  { source }: BackupReplicaRecord,
): Promise<Mutation> {
  const copies = backupCopies(control, source)
  const copy = await copies.get(`${source.resourceId}/${region}`)
  return copy ? copies.remove(copy) : NOTHING
}

async function replicaOf(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { from, sourceArn }: { from: Scope; sourceArn: string },
): Promise<Held<BackupReplicaRecord>> {
  const name = parseRdsArn(sourceArn)!.id.toLowerCase()
  for (const held of await backupReplicas(control, scope).list()) {
    const { source, instance } = held.value
    if (source.region !== from.region || source.account !== from.account) continue
    // By the name that it has now, or had at the end.
    const present = (await findByKey(control, source))?.value.id ?? instance.id
    if (present === name) return held
  }
  throw fault(DBInstanceAutomatedBackupNotFoundFault, `No automated backup of ${sourceArn} is replicated to here.`)
}

/** Throws for anything but an instance of another region. */
function sourceScope(scope: Scope, sourceArn: string): Scope {
  const arn = isArn(sourceArn) ? parseRdsArn(sourceArn) : undefined
  if (arn?.type !== 'db') throw invalidValue(`SourceDBInstanceArn is not the ARN of a DB instance: ${sourceArn}`)
  if (arn.account !== scope.account) throw instanceNotFound(sourceArn)
  if (arn.region === scope.region)
    throw invalidValue('Automated backups are replicated to another region than that of the DB instance.')
  return { account: arn.account, region: arn.region }
}

/** Copies that are kept in other regions, as a description names them. */
export async function replicationsOf(
  control: Pick<Control, 'store'>,
  { account, region, resourceId }: InstanceKey,
): Promise<{ DBInstanceAutomatedBackupsArn: string }[]> {
  const copies = await backupCopies(control, { account, region }).list(`${resourceId}/`)
  return copies.map(({ value }) => ({
    DBInstanceAutomatedBackupsArn: automatedBackupArn({ account, region: value.region }, resourceId),
  }))
}

/** AWS gives automated backups ids of the same shape as resource ids, with letters of their own. */
export const automatedBackupArn = (scope: Scope, resourceId: string): string =>
  rdsArn(scope, 'auto-backup', resourceId.replace(/^db-/, 'ab-'))
