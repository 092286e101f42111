/** DB clusters of either kind as their backups and snapshots see them. */
import { DAY_MS, SECOND_MS } from '#base/durations.ts'
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { JobKinds } from '#wire/agent/messages.ts'
import {
  archiveOfAurora,
  auroraRestoreWindow,
  auroraSourceOf,
  logOfWriter,
  memberOfAuroraToCopy,
} from '../aurora-cluster/backups.ts'
import { forgetStrand, strandAt } from '../aurora-cluster/backtracks.ts'
import { auroraKeyOf, findAuroraCluster, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { strandKey } from '../aurora-cluster/strands.ts'
import { auroraStatusOf } from '../aurora-cluster/sight.ts'
import type { RestoreWindow } from '../automated-backup/window.ts'
import type { Control } from '../control.ts'
import { clusterRestoreWindow, clusterSourceOf, memberToCopy } from '../db-cluster/backups.ts'
import { clusterKeyOf, findCluster, memberIn, type DbClusterRecord } from '../db-cluster/record.ts'
import { clusterStatusOf, writerServes } from '../db-cluster/sight.ts'
import type { ClusterKey, InstanceKey, Tag } from '../db-instance/record.ts'
import type { SnapshotSource } from '../db-snapshot/record.ts'
import { anyZone } from '../hosts.ts'
import type { AnyCluster } from './names.ts'

/** An instance whose data is that of the cluster. */
export interface CopiedMember {
  readonly zone: string
  readonly resourceId: string
}

export interface PastBackups {
  readonly strand: InstanceKey
  /** Up to when, in milliseconds since the epoch. */
  readonly until: number
}

export interface BackedUpCluster {
  readonly key: ClusterKey
  readonly status: string
  readonly isDeleting: boolean
  readonly source: SnapshotSource
  readonly tags: readonly Tag[]
  /** Under which the archive has its log and base backups: those of now, and those from before backtracks, in order of time. */
  readonly strand: InstanceKey
  readonly pastStrands: readonly PastBackups[]
  /** A restore, or a backtrack, may go back by this. */
  readonly keptDays: number
  /** The writes by which nothing is known any more of what it was before a backtrack. */
  forget(strand: InstanceKey): Promise<Mutation>
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

export const backedUp = async (control: Control, cluster: AnyCluster): Promise<BackedUpCluster> =>
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
    strand: clusterKeyOf(cluster),
    pastStrands: [],
    keptDays: cluster.settings.BackupRetentionPeriod,
    forget: async () => NOTHING,
    member: isReady ? memberToCopy(control, cluster) : undefined,
    zone: cluster.writer,
    copyOf: async (id) => ({ id }),
    archive: async () => control.hosts.observed(writer.zone, writer.resourceId)?.archive,
    window: () => clusterRestoreWindow(control, cluster),
  }
}

async function ofAurora(control: Control, cluster: AuroraClusterRecord): Promise<BackedUpCluster> {
  const { pastStrands = [], backtrackWindow = 0, shared } = cluster
  const member = memberOfAuroraToCopy(control, cluster)
  return {
    key: auroraKeyOf(cluster),
    status: auroraStatusOf(control, cluster),
    isDeleting: cluster.phase === 'deleting',
    source: auroraSourceOf(cluster),
    tags: cluster.tags,
    strand: await strandAt(control, cluster, undefined),
    pastStrands: pastStrands.map(({ id, until }) => ({ strand: strandKey(cluster, id), until })),
    keptDays: Math.max(shared.BackupRetentionPeriod, (backtrackWindow * SECOND_MS) / DAY_MS),
    forget: ({ resourceId }) => forgetStrand(control, auroraKeyOf(cluster), resourceId),
    member,
    zone: anyZone(control.hosts),
    // A reader may be behind what was acknowledged when it was asked.
    copyOf: async (id) => ({ id, ...(id !== cluster.writer && { atLeast: await logOfWriter(control, cluster) }) }),
    archive: () => archiveOfAurora(control, cluster),
    window: () => auroraRestoreWindow(control, cluster),
  }
}
