/**
 * DescribeDBInstanceAutomatedBackups and DeleteDBInstanceAutomatedBackup: the automated snapshots of one instance, taken
 * together. Nothing is stored for it: it is there for as long as one of them can be restored.
 */
import type { DBInstanceAutomatedBackup, Filter } from '@aws-sdk/client-rds'
import { DBInstanceAutomatedBackupNotFoundFault, InvalidDBInstanceAutomatedBackupStateFault } from '@aws-sdk/client-rds'
import { together } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { findByKey, type DbInstanceRecord } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { implicitSubnetGroup, subnetGroups } from '../subnet-group/record.ts'
import { allAutomatedSnapshots, automatedSnapshots } from './automated.ts'
import { startDeletion } from './change.ts'
import { sourceOf, type DbSnapshotRecord, type SnapshotSource } from './record.ts'

export interface AutomatedBackup {
  readonly scope: Scope
  readonly status: 'active' | 'retained' | 'deleting'
  /** The instance as it is, or where it is gone, as it was when it was backed up last. */
  readonly instance: SnapshotSource
  readonly zone: string
  /** When the oldest and the newest of its snapshots were taken. */
  readonly from: number
  readonly to: number
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
      : [(backup: AutomatedBackup) => arnOf(backup) === DBInstanceAutomatedBackupsArn]),
  ]
  const found = (await all(control, scope)).filter((backup) => named.every((test) => test(backup)))
  if (named.length > 0 && found.length === 0) throw notFound()
  return found.filter((backup) => filters.every((test) => test(backup)))
}

const notFound = (): Error =>
  fault(DBInstanceAutomatedBackupNotFoundFault, 'No automated backup for this DB instance was found.')

async function all(control: Control, scope: Scope): Promise<AutomatedBackup[]> {
  const snapshots = (await allAutomatedSnapshots(control, scope)).map(({ value }) => value)
  const byInstance = Map.groupBy(
    snapshots.filter(({ status }) => status === 'available'),
    ({ instance }) => instance.resourceId,
  )
  return Promise.all([...byInstance.values()].map((own) => backupOf(control, scope, own)))
}

/** `snapshots` are those of one instance, oldest first, and at least one. */
async function backupOf(
  control: Control,
  scope: Scope,
  snapshots: readonly DbSnapshotRecord[],
): Promise<AutomatedBackup> {
  const { account, region } = scope
  const newest = snapshots.at(-1)!
  const held = await findByKey(control, { account, region, resourceId: newest.instance.resourceId })
  return {
    scope: { account, region },
    status: held ? 'active' : 'retained',
    instance: held ? sourceOf(held.value) : newest.instance,
    zone: newest.zone,
    from: snapshots[0]!.createdAt,
    to: newest.createdAt,
    tags: held ? held.value.tags : newest.tags,
  }
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
  return ({ instance, scope }) =>
    wanted.includes((what === 'db-instance-id' ? instance.id : instance.resourceId).toLowerCase()) ||
    wanted.includes(rdsArn(scope, 'db', instance.id).toLowerCase())
}

/** AWS gives automated backups ids of the same shape as resource ids, with letters of their own. */
const arnOf = ({ scope, instance }: AutomatedBackup): string =>
  rdsArn(scope, 'auto-backup', instance.resourceId.replace(/^db-/, 'ab-'))

/** Deletes what a deleted instance left behind. That of an instance that is there goes with its retention period. */
export async function deleteAutomatedBackup(
  control: Control,
  scope: Scope,
  query: Pick<Query, 'DbiResourceId' | 'DBInstanceAutomatedBackupsArn'>,
): Promise<AutomatedBackup> {
  if (query.DbiResourceId === undefined && query.DBInstanceAutomatedBackupsArn === undefined)
    throw invalidCombination('You must specify DbiResourceId or DBInstanceAutomatedBackupsArn.')
  const { backup, flowIds } = await transact(control, async () => {
    const [found] = await listAutomatedBackups(control, scope, query)
    if (!found) throw notFound()
    if (found.status === 'active')
      throw fault(
        InvalidDBInstanceAutomatedBackupStateFault,
        `The automated backup belongs to the DB instance ${found.instance.id}: set its BackupRetentionPeriod to 0 instead.`,
      )
    const snapshots = await automatedSnapshots(control, { ...found.scope, resourceId: found.instance.resourceId })
    const deletions = snapshots
      .filter(({ value }) => value.status !== 'deleting')
      .map((held) => startDeletion(control, held))
    return {
      mutation: together(...deletions.map(({ writes }) => writes)),
      result: {
        backup: { ...found, status: 'deleting' as const },
        flowIds: deletions.map(({ flowId }) => flowId),
      },
    }
  })
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
    DBInstanceArn: rdsArn(scope, 'db', instance.id),
    DBInstanceAutomatedBackupsArn: arnOf(backup),
    DbiResourceId: instance.resourceId,
    Region: scope.region,
    DBInstanceIdentifier: instance.id,
    RestoreWindow: { EarliestTime: new Date(backup.from), LatestTime: new Date(backup.to) },
    Status: backup.status,
    AllocatedStorage: settings.AllocatedStorage,
    StorageType: settings.StorageType,
    Iops: settings.Iops,
    StorageThroughput: settings.StorageThroughput ?? 0,
    Port: instance.port,
    AvailabilityZone: scope.region + backup.zone,
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
    DBInstanceAutomatedBackupsReplications: [],
    BackupTarget: 'region',
    MultiTenant: false,
    DedicatedLogVolume: false,
    TagList: [...backup.tags],
  }
}
