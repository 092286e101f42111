import { requireOwnSnapshot } from '#control/db-snapshot/find.ts'
import type { RdsHandler } from '../handler.ts'
import { snapshotAttributes } from './snapshot-attributes.ts'

export const DescribeDBSnapshotAttributes: RdsHandler<'DescribeDBSnapshotAttributes'> = async (input, context) => {
  const { value } = await requireOwnSnapshot(context.control, context, input.DBSnapshotIdentifier)
  return { DBSnapshotAttributesResult: snapshotAttributes(value) }
}
