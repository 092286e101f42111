/** DescribeDBClusters: intent and fact of an Aurora cluster, in RDS's shape. */
import type { DBCluster, DBClusterMember } from '@aws-sdk/client-rds'
import { rdsArn } from '../arn.ts'
import type { Control } from '../control.ts'
import { readerEndpointOf } from '../db-cluster/describe.ts'
import { AUTO_START_MS, HOSTED_ZONE_ID, masterSecretOf, parameterStatus } from '../db-instance/describe.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import type { RestoreWindow } from '../automated-backup/window.ts'
import { earliestBacktrack } from './backtrack-rules.ts'
import { auroraRestoreWindow } from './backups.ts'
import { addressOfEndpoint } from './endpoints.ts'
import { memberRecords } from './find.ts'
import { globalOf } from '../global-cluster/record.ts'
import { isSecondary, isWriter, type AuroraClusterRecord } from './record.ts'
import { scalingShown } from './scaling.ts'
import { AURORA_STORAGE } from './settings.ts'
import { auroraStatusOf } from './sight.ts'

export async function describeAuroraCluster(control: Control, record: AuroraClusterRecord): Promise<DBCluster> {
  const { region } = record
  const status = auroraStatusOf(control, record)
  const window = await auroraRestoreWindow(control, record)
  const members = [...(await memberRecords(control, record)).values()].map(({ value }) => value)
  return {
    DBClusterIdentifier: record.id,
    DBClusterArn: rdsArn(record, 'cluster', record.id),
    DbClusterResourceId: record.resourceId,
    Status: status,
    Engine: record.engine,
    EngineMode: 'provisioned',
    ...AURORA_STORAGE,
    MasterUsername: record.master.username,
    DatabaseName: record.databaseName,
    ClusterCreateTime: new Date(record.createdAt),
    Endpoint: control.advertised.hostname,
    ReaderEndpoint: readerEndpointOf(control, record),
    CustomEndpoints: record.endpoints.map((endpoint) => addressOfEndpoint(control, endpoint)),
    HostedZoneId: HOSTED_ZONE_ID,
    Port: record.port,
    AvailabilityZones: control.hosts.zones.map((zone) => region + zone),
    MultiAZ: new Set(record.members.map(({ zone }) => zone)).size > 1,
    DBClusterMembers: members.map((member) => memberShown(control, record, member)),
    ...settingsShown(record),
    ...masterSecretOf(record),
    ...(await globalShown(control, record)),
    CloneGroupId: record.cloneGroup,
    ...(window && { EarliestRestorableTime: new Date(window.from), LatestRestorableTime: new Date(window.to) }),
    ...(record.stoppedAt !== undefined && { AutomaticRestartTime: new Date(record.stoppedAt + AUTO_START_MS) }),
    ...backtrackShown(record, window, control.clock.now()),
    StatusInfos:
      record.complaint === undefined || status === 'available'
        ? []
        : [{ StatusType: 'cluster', Normal: false, Status: status, Message: record.complaint }],
    ...ABSENT,
    TagList: [...record.tags],
  }
}

/** How many change records there are is not measured: there are none, but a log. */
function backtrackShown(record: AuroraClusterRecord, window: RestoreWindow | undefined, now: number): DBCluster {
  const { backtrackWindow } = record
  if (!backtrackWindow) return {}
  const earliest = earliestBacktrack(record, window, now)
  return {
    BacktrackWindow: backtrackWindow,
    ...(earliest !== undefined && { EarliestBacktrackTime: new Date(earliest) }),
  }
}

/** Of a cluster that belongs to a global one. */
async function globalShown(control: Pick<Control, 'store'>, record: AuroraClusterRecord): Promise<DBCluster> {
  const global = (await globalOf(control, record))?.value
  if (!global) return {}
  const source = isSecondary(record) ? global.primary : undefined
  return {
    GlobalClusterIdentifier: global.id,
    ...(source && { ReplicationSourceIdentifier: rdsArn(source, 'cluster', source.id) }),
  }
}

const memberShown = (control: Control, cluster: AuroraClusterRecord, member: DbInstanceRecord): DBClusterMember => ({
  DBInstanceIdentifier: member.id,
  IsClusterWriter: isWriter(cluster, member),
  DBClusterParameterGroupStatus: clusterParameterStatus(control, cluster, member),
  PromotionTier: member.aurora!.promotionTier,
})

const clusterParameterStatus = (control: Control, cluster: AuroraClusterRecord, member: DbInstanceRecord): string =>
  member.aurora!.appliedClusterGroup === cluster.parameterGroup ? parameterStatus(control, member) : 'pending-reboot'

function settingsShown({ shared, settings, parameterGroup }: AuroraClusterRecord): DBCluster {
  return {
    EngineVersion: shared.EngineVersion,
    BackupRetentionPeriod: shared.BackupRetentionPeriod,
    PreferredBackupWindow: shared.PreferredBackupWindow,
    PreferredMaintenanceWindow: settings.PreferredMaintenanceWindow,
    CopyTagsToSnapshot: settings.CopyTagsToSnapshot,
    DeletionProtection: settings.DeletionProtection,
    NetworkType: shared.NetworkType,
    DBSubnetGroup: shared.DBSubnetGroupName,
    DBClusterParameterGroup: parameterGroup,
    VpcSecurityGroups: shared.VpcSecurityGroupIds.map((id) => ({ VpcSecurityGroupId: id, Status: 'active' })),
    StorageEncrypted: shared.StorageEncrypted,
    KmsKeyId: shared.KmsKeyId,
    ServerlessV2ScalingConfiguration: scalingShown(shared.serverlessScaling),
    IAMDatabaseAuthenticationEnabled: shared.EnableIAMDatabaseAuthentication,
  }
}

/** What every Aurora cluster here is without. */
const ABSENT = {
  EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
  HttpEndpointEnabled: false,
  CrossAccountClone: false,
  DatabaseInsightsMode: 'standard',
  PerformanceInsightsEnabled: false,
  ActivityStreamStatus: 'stopped',
  GlobalWriteForwardingRequested: false,
  AssociatedRoles: [],
  DomainMemberships: [],
  ReadReplicaIdentifiers: [],
  DBClusterOptionGroupMemberships: [],
} as const satisfies { [K in keyof DBCluster]: DBCluster[K] | readonly [] }
