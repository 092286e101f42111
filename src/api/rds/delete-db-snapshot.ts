import { deleteDbSnapshot } from '#control/db-snapshot/change.ts'
import { describeSnapshot } from '#control/db-snapshot/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteDBSnapshot: RdsHandler<'DeleteDBSnapshot'> = async (input, context) => ({
  DBSnapshot: describeSnapshot(await deleteDbSnapshot(context.control, context, input)),
})
