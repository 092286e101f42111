import { copySnapshot } from '#control/db-snapshot/change.ts'
import { describeSnapshot } from '#control/db-snapshot/describe.ts'
import { OF_INSTANCES } from '#control/db-snapshot/kind.ts'
import type { RdsHandler } from '../handler.ts'

export const CopyDBSnapshot: RdsHandler<'CopyDBSnapshot'> = async (input, context) => {
  const { SourceDBSnapshotIdentifier: source, TargetDBSnapshotIdentifier: target } = input
  const record = await copySnapshot(context.control, context, { ...input, kind: OF_INSTANCES, source, target })
  return { DBSnapshot: describeSnapshot(record) }
}
