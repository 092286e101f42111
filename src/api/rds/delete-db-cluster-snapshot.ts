import { OF_CLUSTERS } from '#control/cluster/snapshot-kind.ts'
import { describeClusterSnapshot } from '#control/cluster/snapshots.ts'
import { deleteSnapshot } from '#control/db-snapshot/change.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBClusterSnapshot: RdsHandler<'DeleteDBClusterSnapshot'> = async (input, context) => {
  const named = { kind: OF_CLUSTERS, name: input.DBClusterSnapshotIdentifier }
  return { DBClusterSnapshot: describeClusterSnapshot(await deleteSnapshot(context.control, context, named)) }
}
