/** The operations of RDS that are built. */
import type * as rds from '@aws-sdk/client-rds'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'
import { AddTagsToResource } from './add-tags-to-resource.ts'
import { ApplyPendingMaintenanceAction } from './apply-pending-maintenance-action.ts'
import { BacktrackDBCluster } from './backtrack-db-cluster.ts'
import { CopyDBClusterParameterGroup } from './copy-db-cluster-parameter-group.ts'
import { CopyDBClusterSnapshot } from './copy-db-cluster-snapshot.ts'
import { CopyDBParameterGroup } from './copy-db-parameter-group.ts'
import { CopyDBSnapshot } from './copy-db-snapshot.ts'
import { CopyOptionGroup } from './copy-option-group.ts'
import { CreateDBCluster } from './create-db-cluster.ts'
import { CreateDBClusterEndpoint } from './create-db-cluster-endpoint.ts'
import { CreateDBClusterParameterGroup } from './create-db-cluster-parameter-group.ts'
import { CreateDBClusterSnapshot } from './create-db-cluster-snapshot.ts'
import { CreateDBInstance } from './create-db-instance.ts'
import { CreateDBInstanceReadReplica } from './create-db-instance-read-replica.ts'
import { CreateDBParameterGroup } from './create-db-parameter-group.ts'
import { CreateDBSnapshot } from './create-db-snapshot.ts'
import { CreateDBSubnetGroup } from './create-db-subnet-group.ts'
import { CreateGlobalCluster } from './create-global-cluster.ts'
import { CreateOptionGroup } from './create-option-group.ts'
import { DeleteDBCluster } from './delete-db-cluster.ts'
import { DeleteDBClusterEndpoint } from './delete-db-cluster-endpoint.ts'
import { DeleteDBClusterParameterGroup } from './delete-db-cluster-parameter-group.ts'
import { DeleteDBClusterSnapshot } from './delete-db-cluster-snapshot.ts'
import { DeleteDBInstanceAutomatedBackup } from './delete-db-instance-automated-backup.ts'
import { DeleteDBInstance } from './delete-db-instance.ts'
import { DeleteDBParameterGroup } from './delete-db-parameter-group.ts'
import { DeleteDBSnapshot } from './delete-db-snapshot.ts'
import { DeleteDBSubnetGroup } from './delete-db-subnet-group.ts'
import { DeleteGlobalCluster } from './delete-global-cluster.ts'
import { DeleteOptionGroup } from './delete-option-group.ts'
import { DescribeAccountAttributes } from './describe-account-attributes.ts'
import { DescribeCertificates } from './describe-certificates.ts'
import { DescribeDBClusterBacktracks } from './describe-db-cluster-backtracks.ts'
import { DescribeDBClusterEndpoints } from './describe-db-cluster-endpoints.ts'
import { DescribeDBClusterParameterGroups } from './describe-db-cluster-parameter-groups.ts'
import { DescribeDBClusterParameters } from './describe-db-cluster-parameters.ts'
import { DescribeDBClusterSnapshots } from './describe-db-cluster-snapshots.ts'
import { DescribeDBClusters } from './describe-db-clusters.ts'
import { DescribeDBEngineVersions } from './describe-db-engine-versions.ts'
import { DescribeDBInstanceAutomatedBackups } from './describe-db-instance-automated-backups.ts'
import { DescribeDBInstances } from './describe-db-instances.ts'
import { DescribeDBLogFiles } from './describe-db-log-files.ts'
import { DescribeDBMajorEngineVersions } from './describe-db-major-engine-versions.ts'
import { DescribeDBParameterGroups } from './describe-db-parameter-groups.ts'
import { DescribeDBParameters } from './describe-db-parameters.ts'
import { DescribeDBSnapshotAttributes } from './describe-db-snapshot-attributes.ts'
import { DescribeDBSnapshots } from './describe-db-snapshots.ts'
import { DescribeDBSubnetGroups } from './describe-db-subnet-groups.ts'
import { DescribeEngineDefaultClusterParameters } from './describe-engine-default-cluster-parameters.ts'
import { DescribeEngineDefaultParameters } from './describe-engine-default-parameters.ts'
import { DescribeEventCategories } from './describe-event-categories.ts'
import { DescribeEvents } from './describe-events.ts'
import { DescribeGlobalClusters } from './describe-global-clusters.ts'
import { DescribeOptionGroupOptions } from './describe-option-group-options.ts'
import { DescribeOptionGroups } from './describe-option-groups.ts'
import { DescribeOrderableDBInstanceOptions } from './describe-orderable-db-instance-options.ts'
import { DescribePendingMaintenanceActions } from './describe-pending-maintenance-actions.ts'
import { DescribeReservedDBInstancesOfferings } from './describe-reserved-db-instances-offerings.ts'
import { DescribeReservedDBInstances } from './describe-reserved-db-instances.ts'
import { DescribeSourceRegions } from './describe-source-regions.ts'
import { DescribeValidDBInstanceModifications } from './describe-valid-db-instance-modifications.ts'
import { DownloadDBLogFilePortion } from './download-db-log-file-portion.ts'
import { FailoverDBCluster } from './failover-db-cluster.ts'
import { FailoverGlobalCluster } from './failover-global-cluster.ts'
import { ListTagsForResource } from './list-tags-for-resource.ts'
import { ModifyCertificates } from './modify-certificates.ts'
import { ModifyDBCluster } from './modify-db-cluster.ts'
import { ModifyDBClusterEndpoint } from './modify-db-cluster-endpoint.ts'
import { ModifyDBClusterParameterGroup } from './modify-db-cluster-parameter-group.ts'
import { ModifyDBInstance } from './modify-db-instance.ts'
import { ModifyDBParameterGroup } from './modify-db-parameter-group.ts'
import { ModifyDBSnapshotAttribute } from './modify-db-snapshot-attribute.ts'
import { ModifyDBSubnetGroup } from './modify-db-subnet-group.ts'
import { ModifyGlobalCluster } from './modify-global-cluster.ts'
import { ModifyOptionGroup } from './modify-option-group.ts'
import { PromoteReadReplica } from './promote-read-replica.ts'
import { RebootDBCluster } from './reboot-db-cluster.ts'
import { RebootDBInstance } from './reboot-db-instance.ts'
import { RemoveFromGlobalCluster } from './remove-from-global-cluster.ts'
import { RemoveTagsFromResource } from './remove-tags-from-resource.ts'
import { ResetDBClusterParameterGroup } from './reset-db-cluster-parameter-group.ts'
import { ResetDBParameterGroup } from './reset-db-parameter-group.ts'
import { RestoreDBClusterFromSnapshot } from './restore-db-cluster-from-snapshot.ts'
import { RestoreDBClusterToPointInTime } from './restore-db-cluster-to-point-in-time.ts'
import { RestoreDBInstanceFromDBSnapshot } from './restore-db-instance-from-db-snapshot.ts'
import { RestoreDBInstanceToPointInTime } from './restore-db-instance-to-point-in-time.ts'
import { StartDBInstanceAutomatedBackupsReplication } from './start-db-instance-automated-backups-replication.ts'
import { StopDBInstanceAutomatedBackupsReplication } from './stop-db-instance-automated-backups-replication.ts'
import { StartDBCluster } from './start-db-cluster.ts'
import { StartDBInstance } from './start-db-instance.ts'
import { StopDBCluster } from './stop-db-cluster.ts'
import { StopDBInstance } from './stop-db-instance.ts'
import { SwitchoverGlobalCluster } from './switchover-global-cluster.ts'
import { SwitchoverReadReplica } from './switchover-read-replica.ts'

export const rdsHandlers = {
  AddTagsToResource,
  ApplyPendingMaintenanceAction,
  BacktrackDBCluster,
  CopyDBClusterParameterGroup,
  CopyDBClusterSnapshot,
  CopyDBParameterGroup,
  CopyDBSnapshot,
  CopyOptionGroup,
  CreateDBCluster,
  CreateDBClusterEndpoint,
  CreateDBClusterParameterGroup,
  CreateDBClusterSnapshot,
  CreateDBInstance,
  CreateDBInstanceReadReplica,
  CreateDBParameterGroup,
  CreateDBSnapshot,
  CreateDBSubnetGroup,
  CreateGlobalCluster,
  CreateOptionGroup,
  DeleteDBCluster,
  DeleteDBClusterEndpoint,
  DeleteDBClusterParameterGroup,
  DeleteDBClusterSnapshot,
  DeleteDBInstance,
  DeleteDBInstanceAutomatedBackup,
  DeleteDBParameterGroup,
  DeleteDBSnapshot,
  DeleteDBSubnetGroup,
  DeleteGlobalCluster,
  DeleteOptionGroup,
  DescribeAccountAttributes,
  DescribeCertificates,
  DescribeDBClusterBacktracks,
  DescribeDBClusterEndpoints,
  DescribeDBClusterParameterGroups,
  DescribeDBClusterParameters,
  DescribeDBClusterSnapshots,
  DescribeDBClusters,
  DescribeDBEngineVersions,
  DescribeDBInstanceAutomatedBackups,
  DescribeDBInstances,
  DescribeDBLogFiles,
  DescribeDBMajorEngineVersions,
  DescribeDBParameterGroups,
  DescribeDBParameters,
  DescribeDBSnapshotAttributes,
  DescribeDBSnapshots,
  DescribeDBSubnetGroups,
  DescribeEngineDefaultClusterParameters,
  DescribeEngineDefaultParameters,
  DescribeEventCategories,
  DescribeEvents,
  DescribeGlobalClusters,
  DescribeOptionGroupOptions,
  DescribeOptionGroups,
  DescribeOrderableDBInstanceOptions,
  DescribePendingMaintenanceActions,
  DescribeReservedDBInstancesOfferings,
  DescribeReservedDBInstances,
  DescribeSourceRegions,
  DescribeValidDBInstanceModifications,
  DownloadDBLogFilePortion,
  FailoverDBCluster,
  FailoverGlobalCluster,
  ListTagsForResource,
  ModifyCertificates,
  ModifyDBCluster,
  ModifyDBClusterEndpoint,
  ModifyDBClusterParameterGroup,
  ModifyDBInstance,
  ModifyDBParameterGroup,
  ModifyDBSnapshotAttribute,
  ModifyDBSubnetGroup,
  ModifyGlobalCluster,
  ModifyOptionGroup,
  PromoteReadReplica,
  RebootDBCluster,
  RebootDBInstance,
  RemoveFromGlobalCluster,
  RemoveTagsFromResource,
  ResetDBClusterParameterGroup,
  ResetDBParameterGroup,
  RestoreDBClusterFromSnapshot,
  RestoreDBClusterToPointInTime,
  RestoreDBInstanceFromDBSnapshot,
  RestoreDBInstanceToPointInTime,
  StartDBCluster,
  StartDBInstance,
  StartDBInstanceAutomatedBackupsReplication,
  StopDBCluster,
  StopDBInstance,
  StopDBInstanceAutomatedBackupsReplication,
  SwitchoverGlobalCluster,
  SwitchoverReadReplica,
} satisfies Handlers<typeof rds, RequestContext>
