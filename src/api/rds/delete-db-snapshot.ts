import { deleteSnapshot } from '#control/db-snapshot/change.ts'
import { describeSnapshot } from '#control/db-snapshot/describe.ts'
import { OF_INSTANCES } from '#control/db-snapshot/kind.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBSnapshot: RdsHandler<'DeleteDBSnapshot'> = async (input, context) => {
  const named = { kind: OF_INSTANCES, name: input.DBSnapshotIdentifier }
  return { DBSnapshot: describeSnapshot(await deleteSnapshot(context.control, context, named)) }
}
