import { createClusterSnapshot, describeClusterSnapshot } from '#control/cluster/snapshots.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBClusterSnapshot: RdsHandler<'CreateDBClusterSnapshot'> = async (input, context) => ({
  DBClusterSnapshot: describeClusterSnapshot(await createClusterSnapshot(context.control, context, input)),
})
