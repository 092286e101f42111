/** DB clusters of either kind as their backups and snapshots see them. */
import type { Held } from '#store/collection.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { JobKinds } from '#wire/agent/messages.ts'
import {
  archiveOfAurora,
  auroraRestoreWindow,
  auroraSourceOf,
  logOfWriter,
  memberOfAuroraToCopy,
} from '../aurora-cluster/backups.ts'
import { auroraKeyOf, findAuroraCluster, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { auroraStatusOf } from '../aurora-cluster/sight.ts'
import type { RestoreWindow } from '../automated-backup/window.ts'
import type { Control } from '../control.ts'
import { clusterRestoreWindow, clusterSourceOf, memberToCopy } from '../db-cluster/backups.ts'
import { clusterKeyOf, findCluster, memberIn, type DbClusterRecord } from '../db-cluster/record.ts'
import { clusterStatusOf, writerServes } from '../db-cluster/sight.ts'
import type { ClusterKey, Tag } from '../db-instance/record.ts'
import type { SnapshotSource } from '../db-snapshot/record.ts'
import type { AnyCluster } from './names.ts'

/** An instance whose data is that of the cluster. */
export interface CopiedMember {
  readonly zone: string
  readonly resourceId: string
}

export interface BackedUpCluster {
  readonly key: ClusterKey
  readonly status: string
  readonly isDeleting: boolean
  readonly source: SnapshotSource
  readonly tags: readonly Tag[]
  /** Whose data is copied for a backup; undefined: nobody's can be now. */
  readonly member: CopiedMember | undefined
  /** Where jobs run that are about the archive alone. */
  readonly zone: string
  /** What a job that copies the member is told besides where to. */
  copyOf(resourceId: string): Promise<Omit<JobKinds['instance.snapshot']['input'], 'snapshotId'>>
  /** How far the log is archived; undefined: nobody says. */
  archive(): Promise<ObservedArchive | undefined>
  window(): Promise<RestoreWindow | undefined>
}

/** The cluster with this key. Undefined once it is deleted. */
export async function findBackedUp(control: Control, key: ClusterKey): Promise<BackedUpCluster | undefined> {
  const held: Held<AnyCluster> | undefined =
    (await findCluster(control, key)) ?? (await findAuroraCluster(control, key))
  return held && backedUp(control, held.value)
}

export const backedUp = (control: Control, cluster: AnyCluster): BackedUpCluster =>
  cluster.engine === 'postgres' ? ofMultiAz(control, cluster) : ofAurora(control, cluster)

function ofMultiAz(control: Control, cluster: DbClusterRecord): BackedUpCluster {
  const writer = memberIn(cluster, cluster.writer)
  const isReady = cluster.phase === 'available' && writerServes(control, cluster)
  return {
    key: clusterKeyOf(cluster),
    status: clusterStatusOf(control, cluster),
    isDeleting: cluster.phase === 'deleting',
    source: clusterSourceOf(cluster),
    tags: cluster.tags,
    member: isReady ? memberToCopy(control, cluster) : undefined,
    zone: cluster.writer,
    copyOf: async (id) => ({ id }),
    archive: async () => control.hosts.observed(writer.zone, writer.resourceId)?.archive,
    window: () => clusterRestoreWindow(control, cluster),
  }
}

function ofAurora(control: Control, cluster: AuroraClusterRecord): BackedUpCluster {
  const member = memberOfAuroraToCopy(control, cluster)
  const connected = control.hosts.zones.find((zone) => control.hosts.isConnected(zone))
  return {
    key: auroraKeyOf(cluster),
    status: auroraStatusOf(control, cluster),
    isDeleting: cluster.phase === 'deleting',
    source: auroraSourceOf(cluster),
    tags: cluster.tags,
    member,
    zone: connected ?? control.hosts.zones[0]!,
    // A reader may be behind what was acknowledged when it was asked.
    copyOf: async (id) => ({ id, ...(id !== cluster.writer && { atLeast: await logOfWriter(control, cluster) }) }),
    archive: () => archiveOfAurora(control, cluster),
    window: () => auroraRestoreWindow(control, cluster),
  }
}
