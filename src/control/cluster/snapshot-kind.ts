import {
  DBClusterSnapshotAlreadyExistsFault,
  DBClusterSnapshotNotFoundFault,
  InvalidDBClusterSnapshotStateFault,
} from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import type { SnapshotKind } from '../db-snapshot/kind.ts'

export const OF_CLUSTERS: SnapshotKind = {
  collection: dbClusterSnapshots,
  type: 'cluster-snapshot',
  target: 'TargetDBClusterSnapshotIdentifier',
  quota: 'ManualClusterSnapshots',
  source: 'db-cluster-snapshot',
  events: {
    manual: { creating: 'RDS-EVENT-0074', created: 'RDS-EVENT-0075' },
    automated: { creating: 'RDS-EVENT-0168', created: 'RDS-EVENT-0169' },
    deleted: undefined,
  },
  flows: { copy: 'copy-db-cluster-snapshot', remove: 'delete-db-cluster-snapshot' },
  // None of its cluster's, which goes on meanwhile.
  subjectOf: ({ account, region, resourceId }) => `db-cluster-snapshot/${account}/${region}/${resourceId}`,
  notFound: (name) => fault(DBClusterSnapshotNotFoundFault, `DBClusterSnapshot not found: ${name}`),
  exists: (id) =>
    fault(DBClusterSnapshotAlreadyExistsFault, `A DB cluster snapshot with the identifier ${id} already exists.`),
  invalidState: (message) => fault(InvalidDBClusterSnapshotStateFault, message),
}
