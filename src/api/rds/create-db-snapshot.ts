import { createDbSnapshot } from '#control/db-snapshot/create.ts'
import { describeSnapshot } from '#control/db-snapshot/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const CreateDBSnapshot: RdsHandler<'CreateDBSnapshot'> = async (input, context) => ({
  DBSnapshot: describeSnapshot(await createDbSnapshot(context.control, context, input)),
})
