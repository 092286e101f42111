import { copyDbSnapshot } from '#control/db-snapshot/change.ts'
import { describeSnapshot } from '#control/db-snapshot/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const CopyDBSnapshot: RdsHandler<'CopyDBSnapshot'> = async (input, context) => ({
  DBSnapshot: describeSnapshot(await copyDbSnapshot(context.control, context, input)),
})
