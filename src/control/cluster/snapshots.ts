/** Snapshots of DB clusters of either kind: a copy of an instance's data, from which a cluster can be made. */
import type { DBClusterSnapshot, Filter } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { started } from '../db-instance/started.ts'
import { newSnapshot, requireSnapshotName } from '../db-snapshot/create.ts'
import { requireOwnSnapshot } from '../db-snapshot/find.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { snapshotEvent } from '../flows/snapshot-writes.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags, withInherited } from '../tag/tags.ts'
import { isSecondary } from '../aurora-cluster/record.ts'
import { clusterNotAvailable, invalidClusterState } from '../db-cluster/faults.ts'
import { clusterIdOf } from '../db-cluster/find.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { backedUp } from './backed-up.ts'
import { requireAnyCluster } from './names.ts'
import { OF_CLUSTERS } from './snapshot-kind.ts'

interface NewSnapshot {
  readonly DBClusterIdentifier: string
  readonly DBClusterSnapshotIdentifier: string
  readonly Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
}

export async function createClusterSnapshot(
  control: Control,
  scope: Scope,
  input: NewSnapshot,
): Promise<DbSnapshotRecord> {
  const id = requireSnapshotName('DBClusterSnapshotIdentifier', input.DBClusterSnapshotIdentifier)
  const asked = checkTags(input.Tags ?? [])
  const { record, flowId } = await transact(control, async () => {
    const found = await requireAnyCluster(control, scope, input.DBClusterIdentifier)
    if (found.engine !== 'postgres' && isSecondary(found))
      throw invalidClusterState(`Snapshots of secondary DB clusters of a global database are not available yet.`)
    const cluster = await backedUp(control, found)
    const { source, status, member } = cluster
    await requireFreeSnapshotName(control, scope, id)
    if (status !== 'available') throw clusterNotAvailable(source.id, status)
    await requireQuota(control, scope, 'ManualClusterSnapshots')
    const tags = withInherited(asked, source.settings.CopyTagsToSnapshot ? cluster.tags : [])
    const record = newClusterSnapshot(control, scope, {
      id,
      tags,
      instance: source,
      zone: member?.zone ?? cluster.zone,
    })
    const flow = control.flows.start('create-db-cluster-snapshot', OF_CLUSTERS.subjectOf(record), {
      key: cluster.key,
      snapshot: { name: id, resourceId: record.resourceId },
      ...(member && { memberId: member.resourceId }),
    })
    const event = snapshotEvent(control, OF_CLUSTERS, record, 'creating')
    return {
      mutation: together(dbClusterSnapshots(control, scope).create(id, record), event, flow.writes),
      result: { record, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return record
}

/** Throws DBClusterSnapshotAlreadyExistsFault. */
export async function requireFreeSnapshotName(
  control: Pick<Control, 'store'>,
  scope: Scope,
  id: string,
): Promise<void> {
  if (await dbClusterSnapshots(control, scope).get(id)) throw OF_CLUSTERS.exists(id)
}

/** A manual one of which nothing is there yet. */
export const newClusterSnapshot = (
  control: Control,
  scope: Scope,
  own: Pick<DbSnapshotRecord, 'id' | 'tags' | 'instance' | 'zone'>,
): DbSnapshotRecord =>
  newSnapshot(control, scope, { ...own, resourceId: newResourceId('snap', control.random), type: 'manual' })

interface Query {
  readonly DBClusterIdentifier?: string | undefined
  readonly DBClusterSnapshotIdentifier?: string | undefined
  readonly DbClusterResourceId?: string | undefined
  readonly SnapshotType?: string | undefined
  readonly Filters?: Filter[] | undefined
}

type Test = (record: DbSnapshotRecord) => boolean

/** There are manual ones alone, and none that is shared. */
export async function listClusterSnapshots(control: Control, scope: Scope, query: Query): Promise<DbSnapshotRecord[]> {
  const { DBClusterIdentifier, DBClusterSnapshotIdentifier, DbClusterResourceId, SnapshotType, Filters = [] } = query
  const tests: Test[] = Filters.map((filter) => filterTest(scope, filter))
  if (SnapshotType !== undefined) tests.push(typeTest(SnapshotType))
  if (DBClusterIdentifier !== undefined) tests.push(ofCluster(scope, [DBClusterIdentifier]))
  if (DbClusterResourceId !== undefined) tests.push(({ instance }) => instance.resourceId === DbClusterResourceId)
  const all =
    DBClusterSnapshotIdentifier === undefined
      ? (await dbClusterSnapshots(control, scope).list()).map(({ value }) => value)
      : [(await requireOwnSnapshot(control, scope, { kind: OF_CLUSTERS, name: DBClusterSnapshotIdentifier })).value]
  return all.filter((record) => tests.every((test) => test(record)))
}

function typeTest(type: string): Test {
  if (!['automated', 'manual', 'shared', 'public', 'awsbackup'].includes(type))
    throw invalidValue(`Invalid snapshot type ${type}. Valid values: automated, manual, shared, public, awsbackup`)
  return (record) => record.type === type
}

const ofCluster = (scope: Scope, names: readonly string[]): Test => {
  const ids = names.map((name) => clusterIdOf(scope, name))
  return ({ instance }) => ids.includes(instance.id)
}

function filterTest(scope: Scope, { Name, Values = [] }: Filter): Test {
  if (Values.length === 0) throw invalidCombination(`Filter ${Name} must have at least one value.`)
  switch (Name) {
    case 'db-cluster-id':
      return ofCluster(scope, Values)
    case 'db-cluster-snapshot-id':
      return ({ id }) => Values.some((value) => value.toLowerCase() === id)
    case 'snapshot-type':
      return ({ type }) => Values.includes(type)
    case 'engine':
      return ({ instance }) => Values.includes(instance.engine)
    default:
      throw invalidValue(`Unrecognized filter name: ${Name}`)
  }
}

export function describeClusterSnapshot(record: DbSnapshotRecord): DBClusterSnapshot {
  const { instance } = record
  const { settings } = instance
  return {
    DBClusterSnapshotIdentifier: record.id,
    DBClusterSnapshotArn: rdsArn(record, 'cluster-snapshot', record.id),
    DBClusterIdentifier: instance.id,
    DbClusterResourceId: instance.resourceId,
    SnapshotCreateTime: new Date(record.createdAt),
    ClusterCreateTime: new Date(instance.createdAt),
    SnapshotType: record.type,
    Status: record.status,
    PercentProgress: record.status === 'available' ? 100 : 0,
    AvailabilityZones: [record.region + record.zone],
    Engine: instance.engine,
    EngineMode: 'provisioned',
    EngineVersion: settings.EngineVersion,
    LicenseModel: settings.LicenseModel,
    AllocatedStorage: settings.AllocatedStorage,
    StorageType: settings.StorageType,
    Port: instance.port,
    MasterUsername: instance.masterUsername,
    StorageEncrypted: settings.StorageEncrypted,
    KmsKeyId: settings.KmsKeyId,
    SourceDBClusterSnapshotArn: record.sourceArn,
    IAMDatabaseAuthenticationEnabled: settings.EnableIAMDatabaseAuthentication,
    TagList: [...record.tags],
  }
}
