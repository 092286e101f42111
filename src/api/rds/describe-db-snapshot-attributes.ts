import { requireOwnSnapshot } from '#control/db-snapshot/find.ts'
import { OF_INSTANCES } from '#control/db-snapshot/kind.ts'
import type { RdsHandler } from '../handler.ts'
import { snapshotAttributes } from './snapshot-attributes.ts'

export const DescribeDBSnapshotAttributes: RdsHandler<'DescribeDBSnapshotAttributes'> = async (input, context) => {
  const { value } = await requireOwnSnapshot(context.control, context, {
    kind: OF_INSTANCES,
    name: input.DBSnapshotIdentifier,
  })
  return { DBSnapshotAttributesResult: snapshotAttributes(value) }
}
