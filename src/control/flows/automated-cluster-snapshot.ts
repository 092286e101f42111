/** When a DB cluster's automated snapshots are taken, and when they go. */
import { together, type Held, type Mutation } from '#store/collection.ts'
import type { BackedUpCluster, CopiedMember } from '../cluster/backed-up.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import { openedAt, parseBackupWindow, untilOpen, untilOpening } from '../db-instance/identifiers.ts'
import { expiryOf, newAutomatedSnapshot, startDeletions } from '../db-snapshot/automated.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import type { ClusterContext as C } from './db-cluster-context.ts'
import { standbyPatienceMs } from './limits.ts'

type Snapshots = readonly Held<DbSnapshotRecord>[]

interface Due {
  /** Milliseconds until the next one is to be taken, or to go; none when one is to be taken now. */
  readonly leftMs: number
  readonly expired: Snapshots
  /** Those of this window that came to nothing. */
  readonly failed: Snapshots
  readonly isTaking: boolean
}

/** What is to be done about the cluster's automated snapshots, which are given oldest first. */
export function clusterSnapshotDue({ control }: C, { source }: BackedUpCluster, snapshots: Snapshots): Due {
  const { BackupRetentionPeriod: retentionDays, PreferredBackupWindow } = source.settings
  const now = control.clock.now()
  const { expired, nextMs } = expiryOf(snapshots, { retentionDays, keepsNewest: retentionDays > 0, now })
  const window = parseBackupWindow(PreferredBackupWindow)
  const isOpen = untilOpen(window, now) === 0
  const ofWindow = isOpen ? snapshots.filter(({ value }) => value.createdAt >= openedAt(window, now)) : []
  const failed = ofWindow.filter(({ value }) => value.status === 'failed')
  const isTaking = snapshots.some(({ value }) => value.status === 'creating')
  // What is being deleted came to nothing, or is not wanted any more.
  const isTaken = ofWindow.some(({ value }) => value.status === 'available')
  // What made a copy fail may last.
  const restMs = (failed.at(-1)?.value.createdAt ?? 0) + standbyPatienceMs - now
  const openMs = !isOpen
    ? untilOpen(window, now)
    : isTaken || isTaking
      ? untilOpening(window, now)
      : Math.max(restMs, 0)
  return { leftMs: Math.min(openMs, nextMs), expired, failed, isTaking }
}

interface Taking {
  readonly cluster: BackedUpCluster
  readonly member: CopiedMember
  /** What was tried before, and goes. */
  readonly failed: Snapshots
}

/** Writes that begin one, by the flow that takes manual ones too. Undefined: its name is taken for this minute. */
export async function takeClusterSnapshot(c: C, { cluster, member, failed }: Taking): Promise<Mutation | undefined> {
  const { control } = c
  const { key, source, tags } = cluster
  const of = { account: key.account, region: key.region, zone: member.zone, instance: source, tags }
  const snapshot = await newAutomatedSnapshot(control, OF_CLUSTERS, of)
  if (!snapshot) return undefined
  const { id, resourceId } = snapshot.record
  const flow = control.flows.start('create-db-cluster-snapshot', OF_CLUSTERS.subjectOf(snapshot.record), {
    key,
    snapshot: { name: id, resourceId },
    memberId: member.resourceId,
  })
  return together(startDeletions(control, OF_CLUSTERS, failed), snapshot.writes, flow.writes)
}
