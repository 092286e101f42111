/** Every flow there is. A flow whose row is in a store must stay here for as long as the row may be. */
import type { FlowDefinition } from '#flow/flow.ts'
import { applyDbParameterGroup } from './apply-db-parameter-group.ts'
import { applyDbParameters } from './apply-db-parameters.ts'
import { applyPendingModifications } from './apply-pending-modifications.ts'
import { deleteAuroraEndpoint, routeAuroraCluster } from './aurora-endpoint-flows.ts'
import { archiveAuroraVolume } from './archive-aurora-volume.ts'
import { autoStartDbInstance } from './auto-start-db-instance.ts'
import { awaitWindowOfDbCluster } from './await-window-of-db-cluster.ts'
import { backtrackAuroraCluster } from './backtrack-aurora-cluster.ts'
import { backUpDbCluster } from './back-up-db-cluster.ts'
import { backUpDbInstance } from './back-up-db-instance.ts'
import { changeDbCluster } from './change-db-cluster.ts'
import { createDbClusterSnapshot } from './db-cluster-snapshot-flows.ts'
import { createAuroraCluster } from './create-aurora-cluster.ts'
import { createAuroraMember } from './create-aurora-member.ts'
import { createDbCluster } from './create-db-cluster.ts'
import { createDbInstance } from './create-db-instance.ts'
import { createDbSnapshot } from './create-db-snapshot.ts'
import { buildReadReplica } from './build-read-replica.ts'
import {
  copyDbClusterSnapshot,
  copyDbSnapshot,
  deleteDbClusterSnapshot,
  deleteDbSnapshot,
} from './db-snapshot-flows.ts'
import { deleteAuroraCluster } from './delete-aurora-cluster.ts'
import { deleteAuroraMember } from './delete-aurora-member.ts'
import { deleteDbCluster } from './delete-db-cluster.ts'
import { deleteDbInstance } from './delete-db-instance.ts'
import { keepAuroraCluster } from './keep-aurora-cluster.ts'
import { keepAuroraRelay } from './keep-aurora-relay.ts'
import { keepDbCluster } from './keep-db-cluster.ts'
import { keepDbStandby } from './keep-db-standby.ts'
import { keepVolumeImages } from './keep-volume-images.ts'
import { keepReadReplica } from './keep-read-replica.ts'
import { keepVolumeMembers } from './keep-volume-members.ts'
import { modifyDbCluster } from './modify-db-cluster.ts'
import { modifyDbInstance } from './modify-db-instance.ts'
import { pauseAuroraInstances } from './pause-aurora-instances.ts'
import { promoteReadReplica } from './promote-read-replica.ts'
import { rebootDbCluster } from './reboot-db-cluster.ts'
import { rebootDbInstance } from './reboot-db-instance.ts'
import { recoverDbCluster } from './recover-db-cluster.ts'
import { recoverDbInstance } from './recover-db-instance.ts'
import { replicateDbBackups } from './replicate-db-backups.ts'
import { resetEverything } from './reset.ts'
import { restartAuroraReader } from './restart-aurora-reader.ts'
import { restoreDbInstance } from './restore-db-instance.ts'
import { scaleDbInstanceStorage } from './scale-db-instance-storage.ts'
import { setAuroraPassword } from './set-aurora-password.ts'
import { startAuroraWriter } from './start-aurora-writer.ts'
import { startDbInstance } from './start-db-instance.ts'
import { stopAuroraCluster } from './stop-aurora-cluster.ts'
import { stopDbInstance } from './stop-db-instance.ts'
import { switchAuroraGlobal } from './switch-aurora-global.ts'

export const flowDefinitions: readonly FlowDefinition[] = [
  createDbInstance,
  restoreDbInstance,
  modifyDbInstance,
  rebootDbInstance,
  stopDbInstance,
  switchAuroraGlobal,
  startDbInstance,
  deleteDbInstance,
  keepDbStandby,
  recoverDbInstance,
  buildReadReplica,
  keepVolumeImages,
  keepReadReplica,
  promoteReadReplica,
  createDbCluster,
  keepDbCluster,
  modifyDbCluster,
  changeDbCluster,
  awaitWindowOfDbCluster,
  recoverDbCluster,
  rebootDbCluster,
  deleteDbCluster,
  backUpDbCluster,
  createDbClusterSnapshot,
  copyDbClusterSnapshot,
  deleteDbClusterSnapshot,
  createAuroraCluster,
  createAuroraMember,
  startAuroraWriter,
  restartAuroraReader,
  backtrackAuroraCluster,
  stopAuroraCluster,
  deleteAuroraMember,
  deleteAuroraCluster,
  archiveAuroraVolume,
  keepAuroraCluster,
  pauseAuroraInstances,
  keepVolumeMembers,
  keepAuroraRelay,
  routeAuroraCluster,
  deleteAuroraEndpoint,
  setAuroraPassword,
  applyDbParameterGroup,
  applyDbParameters,
  applyPendingModifications,
  autoStartDbInstance,
  backUpDbInstance,
  createDbSnapshot,
  copyDbSnapshot,
  deleteDbSnapshot,
  replicateDbBackups,
  scaleDbInstanceStorage,
  resetEverything,
]
