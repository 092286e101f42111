import { OF_CLUSTERS } from '#control/cluster/snapshot-kind.ts'
import { describeClusterSnapshot } from '#control/cluster/snapshots.ts'
import { copySnapshot } from '#control/db-snapshot/change.ts'
import type { RdsHandler } from '../handler.ts'

export const CopyDBClusterSnapshot: RdsHandler<'CopyDBClusterSnapshot'> = async (input, context) => {
  const { SourceDBClusterSnapshotIdentifier: source, TargetDBClusterSnapshotIdentifier: target } = input
  const record = await copySnapshot(context.control, context, { ...input, kind: OF_CLUSTERS, source, target })
  return { DBClusterSnapshot: describeClusterSnapshot(record) }
}
