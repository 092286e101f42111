/** DescribeDBClusters: intent and fact of a cluster, in RDS's shape. */
import type { ClusterPendingModifiedValues, DBCluster, DBClusterMember, Filter } from '@aws-sdk/client-rds'
import { performanceOf } from '#catalog/storage.ts'
import { rdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { AUTO_START_MS, HOSTED_ZONE_ID, idOrNothing, masterSecretOf, parameterStatus } from '../db-instance/describe.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { namesOf } from './changes.ts'
import { clusterRestoreWindow } from './backups.ts'
import { clusterIdOf, requireCluster } from './find.ts'
import { dbInstances } from '../db-instance/record.ts'
import { dbClusters, type DbClusterRecord, type Member } from './record.ts'
import { clusterParameterGroupOf } from './settings.ts'
import { clusterStatusOf, isWhole } from './sight.ts'

export async function listClusters(
  control: Control,
  scope: Scope,
  asked: { DBClusterIdentifier?: string | undefined; Filters?: Filter[] | undefined },
): Promise<DbClusterRecord[]> {
  const matches = clusterFilter(scope, asked.Filters ?? [])
  const records =
    asked.DBClusterIdentifier === undefined
      ? (await dbClusters(control, scope).list()).map((held) => held.value)
      : [(await requireCluster(control, scope, asked.DBClusterIdentifier)).value]
  return records.filter(matches)
}

type Filtered = Pick<DbClusterRecord, 'id' | 'resourceId'> & { readonly engine: string }

/** Of clusters of either kind. Filters are joined by and, the values of one by or. */
export function clusterFilter(scope: Scope, filters: readonly Filter[]): (record: Filtered) => boolean {
  const tests = filters.map(({ Name, Values = [] }) => {
    if (Values.length === 0) throw invalidValue(`Filter ${Name} must have at least one value.`)
    switch (Name) {
      case 'db-cluster-id': {
        const ids = new Set(Values.map((value) => idOrNothing(scope, value, clusterIdOf)))
        return (record: Filtered) => ids.has(record.id)
      }
      case 'db-cluster-resource-id': {
        const ids = new Set(Values.map((value) => value.toLowerCase()))
        return (record: Filtered) => ids.has(record.resourceId.toLowerCase())
      }
      case 'engine':
        return (record: Filtered) => Values.includes(record.engine)
      // No cluster was cloned, nor is one in a directory domain.
      case 'clone-group-id':
      case 'domain':
        return () => false
      default:
        throw invalidValue(`Unrecognized filter name: ${Name}`)
    }
  })
  return (record) => tests.every((test) => test(record))
}

export async function describeCluster(control: Control, record: DbClusterRecord): Promise<DBCluster> {
  const { settings, region } = record
  const status = clusterStatusOf(control, record)
  const { hostname } = control.advertised
  const window = settings.BackupRetentionPeriod > 0 ? await clusterRestoreWindow(control, record) : undefined
  return {
    DBClusterIdentifier: record.id,
    DBClusterArn: rdsArn(record, 'cluster', record.id),
    DbClusterResourceId: record.resourceId,
    Status: status,
    Engine: record.engine,
    EngineVersion: settings.EngineVersion,
    EngineMode: 'provisioned',
    MasterUsername: record.master.username,
    DatabaseName: record.databaseName,
    ClusterCreateTime: new Date(record.createdAt),
    ...(record.endpointKnown && {
      Endpoint: hostname,
      ReaderEndpoint: readerEndpointOf(control, record),
      HostedZoneId: HOSTED_ZONE_ID,
    }),
    Port: record.port,
    AvailabilityZones: record.members.map(({ zone }) => region + zone),
    MultiAZ: isWhole(record),
    DBClusterMembers: await Promise.all(record.members.map((member) => memberShown(control, record, member))),
    ...settingsShown(record),
    ...(window && {
      EarliestRestorableTime: new Date(window.from),
      LatestRestorableTime: new Date(window.to),
    }),
    ...(namesOf(record.pending).length > 0 && { PendingModifiedValues: pendingShown(record) }),
    ...masterSecretOf(record),
    ...(record.stoppedAt !== undefined && { AutomaticRestartTime: new Date(record.stoppedAt + AUTO_START_MS) }),
    StatusInfos:
      record.complaint === undefined || status === 'available'
        ? []
        : [{ StatusType: 'cluster', Normal: false, Status: status, Message: record.complaint }],
    ...ABSENT,
    TagList: [...record.tags],
  }
}

/** A class that is pending has no member in RDS's shape. */
function pendingShown({ pending = {} }: DbClusterRecord): ClusterPendingModifiedValues {
  const { EngineVersion, AllocatedStorage, StorageType, Iops, CACertificateIdentifier } = pending
  return {
    EngineVersion,
    AllocatedStorage,
    StorageType,
    Iops,
    ...(CACertificateIdentifier !== undefined && { CertificateDetails: { CAIdentifier: CACertificateIdentifier } }),
  }
}

async function memberShown(control: Control, cluster: DbClusterRecord, { id, zone }: Member): Promise<DBClusterMember> {
  const held = await dbInstances(control, cluster).get(id)
  return {
    DBInstanceIdentifier: id,
    IsClusterWriter: zone === cluster.writer,
    DBClusterParameterGroupStatus: held ? parameterStatus(control, held.value) : 'in-sync',
    PromotionTier: 1,
  }
}

/** With its port: RDS knows one port a cluster, and both endpoints have the same address here. */
export const readerEndpointOf = (
  { advertised }: Pick<Control, 'advertised'>,
  { readerPort }: Pick<DbClusterRecord, 'readerPort'>,
): string => `${advertised.hostname}:${readerPort}`

function settingsShown(record: DbClusterRecord): DBCluster {
  const { settings } = record
  return {
    DBClusterInstanceClass: settings.DBInstanceClass,
    AllocatedStorage: settings.AllocatedStorage,
    StorageType: settings.StorageType,
    ...performanceOf(settings),
    BackupRetentionPeriod: settings.BackupRetentionPeriod,
    PreferredBackupWindow: settings.PreferredBackupWindow,
    PreferredMaintenanceWindow: settings.PreferredMaintenanceWindow,
    AutoMinorVersionUpgrade: settings.AutoMinorVersionUpgrade,
    CopyTagsToSnapshot: settings.CopyTagsToSnapshot,
    DeletionProtection: settings.DeletionProtection,
    PubliclyAccessible: settings.PubliclyAccessible,
    NetworkType: settings.NetworkType,
    DBSubnetGroup: settings.DBSubnetGroupName,
    DBClusterParameterGroup: clusterParameterGroupOf(record),
    VpcSecurityGroups: settings.VpcSecurityGroupIds.map((id) => ({ VpcSecurityGroupId: id, Status: 'active' })),
    CertificateDetails: { CAIdentifier: settings.CACertificateIdentifier },
    StorageEncrypted: settings.StorageEncrypted,
    KmsKeyId: settings.KmsKeyId,
    IAMDatabaseAuthenticationEnabled: settings.EnableIAMDatabaseAuthentication,
  }
}

/** What every cluster here is without. */
const ABSENT = {
  EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
  HttpEndpointEnabled: false,
  CrossAccountClone: false,
  DatabaseInsightsMode: 'standard',
  PerformanceInsightsEnabled: false,
  MonitoringInterval: 0,
  ActivityStreamStatus: 'stopped',
  AssociatedRoles: [],
  DomainMemberships: [],
  ReadReplicaIdentifiers: [],
  DBClusterOptionGroupMemberships: [],
} as const satisfies { [K in keyof DBCluster]: DBCluster[K] | readonly [] }
