import type { DBSnapshotAttributesResult } from '@aws-sdk/client-rds'
import type { DbSnapshotRecord } from '#control/db-snapshot/record.ts'

/** `restore` is the only attribute there is: who else may restore the snapshot. */
export const snapshotAttributes = (record: DbSnapshotRecord): DBSnapshotAttributesResult => ({
  DBSnapshotIdentifier: record.id,
  DBSnapshotAttributes: [{ AttributeName: 'restore', AttributeValues: [...record.restorers] }],
})
