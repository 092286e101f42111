import { Collection } from '#store/collection.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'

/** Snapshots of DB clusters: of a cluster, where the record says instance. */
export const dbClusterSnapshots = (control: Pick<Control, 'store'>, scope: Scope): Collection<DbSnapshotRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-cluster-snapshot'))
