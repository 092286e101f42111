/**
 * DescribeDBInstanceAutomatedBackups and DeleteDBInstanceAutomatedBackup: the base backups of one instance and its log,
 * taken together. Nothing is stored for it: it is there for as long as something can be restored from it.
 */
import type { DBInstanceAutomatedBackup, Filter } from '@aws-sdk/client-rds'
import { DBInstanceAutomatedBackupNotFoundFault, InvalidDBInstanceAutomatedBackupStateFault } from '@aws-sdk/client-rds'
import { together } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { automatedBackupArn, backupReplicas, replicationsOf } from '../automated-backup/replica.ts'
import { baseBackups, basesOf, type BaseBackupRecord } from '../automated-backup/record.ts'
import { restoreWindow, type RestoreWindow } from '../automated-backup/window.ts'
import { findByKey, timerSubjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { implicitSubnetGroup, subnetGroups } from '../subnet-group/record.ts'
import { automatedSnapshots } from './automated.ts'
import { startDeletion } from './change.ts'
import { OF_INSTANCES } from './kind.ts'
import { sourceOf, type SnapshotSource } from './record.ts'

export interface AutomatedBackup {
  readonly scope: Scope
  /** Where the instance is: another region than the backup's where that is a copy. */
  readonly source: Scope
  readonly status: 'pending' | 'active' | 'retained' | 'deleting'
  /** The instance as it is, or where it is gone, as it was when it was backed up last. */
  readonly instance: SnapshotSource
  readonly zone: string
  /** Undefined while nothing can be restored from it yet. */
  readonly window: RestoreWindow | undefined
  readonly tags: DbInstanceRecord['tags']
}

interface Query {
  readonly DbiResourceId?: string | undefined
  readonly DBInstanceIdentifier?: string | undefined
  readonly DBInstanceAutomatedBackupsArn?: string | undefined
  readonly Filters?: Filter[] | undefined
}

/** Throws DBInstanceAutomatedBackupNotFound when one that is named is not there. */
export async function listAutomatedBackups(control: Control, scope: Scope, query: Query): Promise<AutomatedBackup[]> {
  const { DbiResourceId, DBInstanceIdentifier, DBInstanceAutomatedBackupsArn } = query
  const filters = (query.Filters ?? []).map((filter) => filterTest(filter))
  const named = [
    ...(DbiResourceId === undefined ? [] : [by('dbi-resource-id', [DbiResourceId])]),
    ...(DBInstanceIdentifier === undefined ? [] : [by('db-instance-id', [DBInstanceIdentifier])]),
    ...(DBInstanceAutomatedBackupsArn === undefined
      ? []
      : [
          (backup: AutomatedBackup) =>
            automatedBackupArn(backup.scope, backup.instance.resourceId) === DBInstanceAutomatedBackupsArn,
        ]),
  ]
  const found = (await all(control, scope)).filter((backup) => named.every((test) => test(backup)))
  if (named.length > 0 && found.length === 0) throw notFound()
  return found.filter((backup) => filters.every((test) => test(backup)))
}

const notFound = (): Error =>
  fault(DBInstanceAutomatedBackupNotFoundFault, 'No automated backup for this DB instance was found.')

async function all(control: Control, scope: Scope): Promise<AutomatedBackup[]> {
  const bases = (await baseBackups(control, scope).list('db-')).map(({ value }) => value)
  const byInstance = Map.groupBy(
    bases.filter(({ isExpired }) => !isExpired).sort((a, b) => a.takenAt - b.takenAt),
    ({ instance }) => instance.resourceId,
  )
  const found = await Promise.all([...byInstance.values()].map((own) => backupOf(control, scope, own)))
  return found.filter((backup) => backup !== undefined)
}

/** `bases` are those of one instance, oldest first, and at least one. Undefined while none can be restored yet. */
async function backupOf(
  control: Control,
  scope: Scope,
  bases: readonly BaseBackupRecord[],
): Promise<AutomatedBackup | undefined> {
  const { account, region } = scope
  const newest = bases.at(-1)!
  const key = { account, region, resourceId: newest.instance.resourceId }
  const held = await findByKey(control, key)
  const window = await restoreWindow(control, key, held?.value)
  const replica = (await backupReplicas(control, scope).get(key.resourceId))?.value
  const isActive = held !== undefined || replica?.isStopped === false
  return (
    window && {
      scope: { account, region },
      source: replica ? replica.source : { account, region },
      status: isActive ? 'active' : 'retained',
      instance: held ? sourceOf(held.value) : newest.instance,
      zone: held?.value.zone ?? newest.zone,
      window,
      tags: held ? held.value.tags : newest.tags,
    }
  )
}

function filterTest({ Name, Values = [] }: Filter): (backup: AutomatedBackup) => boolean {
  if (Values.length === 0) throw invalidCombination(`Filter ${Name} must have at least one value.`)
  switch (Name) {
    case 'status':
      return ({ status }) => Values.includes(status)
    case 'db-instance-id':
    case 'dbi-resource-id':
      return by(Name, Values)
    default:
      throw invalidValue(`Unrecognized filter name: ${Name}`)
  }
}

/** Identifiers in any case, or ARNs of the instance. */
function by(what: 'db-instance-id' | 'dbi-resource-id', values: readonly string[]): (one: AutomatedBackup) => boolean {
  const wanted = values.map((value) => value.toLowerCase())
  return ({ instance, source }) =>
    wanted.includes((what === 'db-instance-id' ? instance.id : instance.resourceId).toLowerCase()) ||
    wanted.includes(rdsArn(source, 'db', instance.id).toLowerCase())
}

/** Deletes what a deleted instance left behind. That of an instance that is there goes with its retention period. */
export async function deleteAutomatedBackup(
  control: Control,
  scope: Scope,
  query: Pick<Query, 'DbiResourceId' | 'DBInstanceAutomatedBackupsArn'>,
): Promise<AutomatedBackup> {
  if (query.DbiResourceId === undefined && query.DBInstanceAutomatedBackupsArn === undefined)
    throw invalidCombination('You must specify DbiResourceId or DBInstanceAutomatedBackupsArn.')
  const { backup, key, flowIds } = await transact(control, async () => {
    const [found] = await listAutomatedBackups(control, scope, query)
    if (!found) throw notFound()
    if (found.status === 'active')
      throw fault(
        InvalidDBInstanceAutomatedBackupStateFault,
        found.source.region === found.scope.region
          ? `The automated backup belongs to the DB instance ${found.instance.id}: set its BackupRetentionPeriod to 0 instead.`
          : `The automated backup is replicated from ${found.source.region}: stop that first.`,
      )
    const key = { ...found.scope, resourceId: found.instance.resourceId }
    const snapshots = await automatedSnapshots(control, OF_INSTANCES, key)
    const deletions = snapshots
      .filter(({ value }) => value.status !== 'deleting')
      .map((held) => startDeletion(control, OF_INSTANCES, held))
    return {
      mutation: together(
        ...deletions.map(({ writes }) => writes),
        ...(await basesOf(control, key)).map((base) =>
          baseBackups(control, key).update(base, { ...base.value, isExpired: true }),
        ),
      ),
      result: {
        backup: { ...found, status: 'deleting' as const },
        key,
        flowIds: deletions.map(({ flowId }) => flowId),
      },
    }
  })
  // The timer of backups outlives its instance; it removes what is in the archive.
  control.flows.wakeSubjects(timerSubjectOf(key, 'backup'))
  for (const id of flowIds) await started(control, id)
  return backup
}

export async function describeAutomatedBackup(
  control: Control,
  backup: AutomatedBackup,
): Promise<DBInstanceAutomatedBackup> {
  const { instance, scope } = backup
  const { settings } = instance
  const group =
    (await subnetGroups(control, scope).get(settings.DBSubnetGroupName))?.value ??
    (await implicitSubnetGroup(control, scope, settings.DBSubnetGroupName))
  return {
    DBInstanceArn: rdsArn(backup.source, 'db', instance.id),
    DBInstanceAutomatedBackupsArn: automatedBackupArn(backup.scope, backup.instance.resourceId),
    DbiResourceId: instance.resourceId,
    Region: scope.region,
    DBInstanceIdentifier: instance.id,
    ...(backup.window && {
      RestoreWindow: { EarliestTime: new Date(backup.window.from), LatestTime: new Date(backup.window.to) },
    }),
    Status: backup.status,
    AllocatedStorage: settings.AllocatedStorage,
    StorageType: settings.StorageType,
    Iops: settings.Iops,
    StorageThroughput: settings.StorageThroughput ?? 0,
    Port: instance.port,
    AvailabilityZone: backup.source.region + backup.zone,
    ...(group && { VpcId: group.vpcId }),
    InstanceCreateTime: new Date(instance.createdAt),
    MasterUsername: instance.masterUsername,
    Engine: instance.engine,
    EngineVersion: settings.EngineVersion,
    LicenseModel: settings.LicenseModel,
    OptionGroupName: settings.OptionGroupName,
    Encrypted: settings.StorageEncrypted,
    KmsKeyId: settings.KmsKeyId,
    IAMDatabaseAuthenticationEnabled: settings.EnableIAMDatabaseAuthentication,
    BackupRetentionPeriod: settings.BackupRetentionPeriod,
    PreferredBackupWindow: settings.PreferredBackupWindow,
    DBInstanceAutomatedBackupsReplications: await replicationsOf(control, {
      ...scope,
      resourceId: instance.resourceId,
    }),
    BackupTarget: 'region',
    MultiTenant: false,
    DedicatedLogVolume: false,
    TagList: [...backup.tags],
  }
}
