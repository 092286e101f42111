/** DescribeDBSnapshots. */
import type { DBSnapshot, Filter } from '@aws-sdk/client-rds'
import { rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { instanceIdOf } from '../db-instance/find.ts'
import { mayRestore, requireOwnSnapshot } from './find.ts'
import { OF_INSTANCES } from './kind.ts'
import { dbSnapshots, type DbSnapshotRecord } from './record.ts'

interface Query {
  readonly DBInstanceIdentifier?: string | undefined
  readonly DBSnapshotIdentifier?: string | undefined
  readonly DbiResourceId?: string | undefined
  readonly SnapshotType?: string | undefined
  readonly Filters?: Filter[] | undefined
  readonly IncludeShared?: boolean | undefined
  readonly IncludePublic?: boolean | undefined
}

export async function listSnapshots(control: Control, scope: Scope, query: Query): Promise<DbSnapshotRecord[]> {
  const tests = [typeTest(scope, query), ...(query.Filters ?? []).map((filter) => filterTest(scope, filter))]
  if (query.DBInstanceIdentifier !== undefined) {
    const id = instanceIdOf(scope, query.DBInstanceIdentifier)
    tests.push((record) => record.instance.id === id)
  }
  if (query.DbiResourceId !== undefined) tests.push((record) => record.instance.resourceId === query.DbiResourceId)
  const all = await candidates(control, scope, query)
  return all.filter((record) => tests.every((test) => test(record)))
}

async function candidates(control: Control, scope: Scope, query: Query): Promise<DbSnapshotRecord[]> {
  const wantsOthers =
    query.IncludeShared || query.IncludePublic || query.SnapshotType === 'shared' || query.SnapshotType === 'public'
  if (query.DBSnapshotIdentifier !== undefined && !wantsOthers)
    return [(await requireOwnSnapshot(control, scope, { kind: OF_INSTANCES, name: query.DBSnapshotIdentifier })).value]
  const own = (await dbSnapshots(control, scope).list()).map((held) => held.value)
  if (!wantsOthers) return own
  return [...own, ...(await sharedWith(control, scope))].filter(
    (record) =>
      query.DBSnapshotIdentifier === undefined ||
      record.id === query.DBSnapshotIdentifier.toLowerCase() ||
      rdsArn(record, 'snapshot', record.id) === query.DBSnapshotIdentifier,
  )
}

/** Snapshots of other accounts in this region that the caller may restore. */
async function sharedWith(control: Control, scope: Scope): Promise<DbSnapshotRecord[]> {
  const { entries } = await control.store.range('rds/')
  return entries
    .filter(({ key }) => key.split('/')[2] === scope.region && key.split('/')[3] === 'db-snapshot')
    .map(({ value }) => JSON.parse(value) as DbSnapshotRecord)
    .filter((record) => record.account !== scope.account && mayRestore(record, scope.account))
}

function typeTest(scope: Scope, query: Query): (record: DbSnapshotRecord) => boolean {
  const isOwn = (record: DbSnapshotRecord): boolean => record.account === scope.account
  const isPublic = (record: DbSnapshotRecord): boolean => record.restorers.includes('all')
  switch (query.SnapshotType) {
    case undefined:
      return (record) =>
        isOwn(record) || (isPublic(record) ? query.IncludePublic === true : query.IncludeShared === true)
    case 'manual':
    case 'automated':
      return (record) => isOwn(record) && record.type === query.SnapshotType
    case 'shared':
      return (record) => !isOwn(record) && !isPublic(record)
    case 'public':
      return isPublic
    case 'awsbackup':
      return () => false
    default:
      throw invalidValue(
        `Invalid snapshot type ${query.SnapshotType}. Valid values: automated, manual, shared, public, awsbackup`,
      )
  }
}

function filterTest(scope: Scope, { Name, Values = [] }: Filter): (record: DbSnapshotRecord) => boolean {
  if (Values.length === 0) throw invalidCombination(`Filter ${Name} must have at least one value.`)
  switch (Name) {
    case 'db-instance-id':
      return (record) =>
        Values.some(
          (value) => value.toLowerCase() === record.instance.id || value === rdsArn(scope, 'db', record.instance.id),
        )
    case 'db-snapshot-id':
      return (record) => Values.some((value) => value.toLowerCase() === record.id)
    case 'dbi-resource-id':
      return (record) => Values.includes(record.instance.resourceId)
    case 'snapshot-type':
      return (record) => Values.includes(record.type)
    case 'engine':
      return (record) => Values.includes(record.instance.engine)
    default:
      throw invalidValue(`Unrecognized filter name: ${Name}`)
  }
}

export function describeSnapshot(record: DbSnapshotRecord): DBSnapshot {
  const { instance } = record
  const { settings } = instance
  return {
    DBSnapshotIdentifier: record.id,
    DBSnapshotArn: rdsArn(record, 'snapshot', record.id),
    DBInstanceIdentifier: instance.id,
    DbiResourceId: instance.resourceId,
    SnapshotCreateTime: new Date(record.createdAt),
    OriginalSnapshotCreateTime: new Date(record.originalCreatedAt),
    SnapshotDatabaseTime: new Date(record.originalCreatedAt),
    InstanceCreateTime: new Date(instance.createdAt),
    SnapshotType: record.type,
    SnapshotTarget: 'region',
    Status: record.status,
    PercentProgress: record.status === 'available' ? 100 : 0,
    Engine: instance.engine,
    EngineVersion: settings.EngineVersion,
    LicenseModel: settings.LicenseModel,
    AllocatedStorage: settings.AllocatedStorage,
    StorageType: settings.StorageType,
    Iops: settings.Iops,
    StorageThroughput: settings.StorageThroughput ?? 0,
    FullSnapshotSizeInBytes: record.sizeBytes,
    Port: instance.port,
    AvailabilityZone: record.region + record.zone,
    MasterUsername: instance.masterUsername,
    OptionGroupName: settings.OptionGroupName,
    Encrypted: settings.StorageEncrypted,
    KmsKeyId: settings.KmsKeyId,
    IAMDatabaseAuthenticationEnabled: settings.EnableIAMDatabaseAuthentication,
    SourceDBSnapshotIdentifier: record.sourceArn,
    ...(record.sourceArn !== undefined && { SourceRegion: record.sourceArn.split(':')[3] }),
    DedicatedLogVolume: false,
    TagList: [...record.tags],
  }
}
