/** DescribeGlobalClusters: intent and fact of a global database, in RDS's shape. */
import type { FailoverStatus, GlobalCluster, GlobalClusterMember } from '@aws-sdk/client-rds'
import { rdsArn } from '../arn.ts'
import type { AuroraClusterRecord } from '../aurora-cluster/record.ts'
import type { Control } from '../control.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { volumes } from '../volume/record.ts'
import { observedRelay } from '../volume/relays.ts'
import { membersOfGlobal } from './find.ts'
import type { GlobalClusterRecord } from './record.ts'

/** Without a region. AWS: RDS User Guide, "Amazon Resource Names (ARNs)". */
const globalArn = ({ account, id }: Pick<GlobalClusterRecord, 'account' | 'id'>): string =>
  rdsArn({ account, region: '' }, 'global-cluster', id)

const arnOf = (key: ClusterKey): string => rdsArn(key, 'cluster', key.id)

export async function describeGlobalCluster(control: Control, global: GlobalClusterRecord): Promise<GlobalCluster> {
  const members = (await membersOfGlobal(control, global)).map(({ value }) => value)
  return {
    GlobalClusterIdentifier: global.id,
    GlobalClusterResourceId: global.resourceId,
    GlobalClusterArn: globalArn(global),
    Status: statusOf(global, members),
    Engine: 'aurora-postgresql',
    EngineVersion: global.engineVersion,
    EngineLifecycleSupport: 'open-source-rds-extended-support-disabled',
    DatabaseName: global.databaseName,
    StorageEncrypted: false,
    DeletionProtection: global.deletionProtection,
    GlobalClusterMembers: await Promise.all(members.map((member) => memberShown(control, global, member))),
    ...(global.switch && { FailoverState: switchShown(global.switch) }),
    TagList: [...global.tags],
  }
}

/** AWS: a global cluster has the status of what is being done with it, and is available else. */
function statusOf({ switch: under }: GlobalClusterRecord, members: readonly AuroraClusterRecord[]): string {
  if (under) return under.isDataLossAllowed ? 'failing-over' : 'switching-over'
  return members.some(({ phase }) => phase === 'creating') ? 'modifying' : 'available'
}

const switchShown = ({ status, from, to, isDataLossAllowed }: NonNullable<GlobalClusterRecord['switch']>) => ({
  // The SDK's enumeration lacks what the user guide lists.
  Status: status as FailoverStatus,
  FromDbClusterArn: arnOf(from),
  ToDbClusterArn: arnOf(to),
  IsDataLossAllowed: isDataLossAllowed,
})

async function memberShown(
  control: Control,
  { primary, secondaries }: GlobalClusterRecord,
  cluster: AuroraClusterRecord,
): Promise<GlobalClusterMember> {
  const isPrimary = cluster.resourceId === primary?.resourceId
  const shown = {
    DBClusterArn: rdsArn(cluster, 'cluster', cluster.id),
    Readers: isPrimary ? secondaries.map(arnOf) : [],
    IsWriter: isPrimary,
    GlobalWriteForwardingStatus: 'disabled',
  } as const
  if (isPrimary) return { ...shown, SynchronizationStatus: 'connected' }
  const volume = await volumes(control, cluster).get(cluster.resourceId)
  const relay = volume && (await observedRelay(control, volume.value).catch(() => undefined))
  const isConnected = relay?.phase === 'following' && relay.isConnected
  return { ...shown, SynchronizationStatus: isConnected ? 'connected' : 'pending-resync' }
}
