import { modifyDbSnapshotAttribute } from '#control/db-snapshot/change.ts'
import type { RdsHandler } from '../handler.ts'
import { snapshotAttributes } from './snapshot-attributes.ts'

export const ModifyDBSnapshotAttribute: RdsHandler<'ModifyDBSnapshotAttribute'> = async (input, context) => {
  const record = await modifyDbSnapshotAttribute(context.control, context, input)
  return { DBSnapshotAttributesResult: snapshotAttributes(record) }
}
