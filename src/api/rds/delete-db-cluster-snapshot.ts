import { deleteClusterSnapshot, describeClusterSnapshot } from '#control/cluster/snapshots.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBClusterSnapshot: RdsHandler<'DeleteDBClusterSnapshot'> = async (input, context) => {
  const record = await deleteClusterSnapshot(context.control, context, input.DBClusterSnapshotIdentifier)
  return { DBClusterSnapshot: describeClusterSnapshot(record) }
}
