/** What differs between snapshots of DB instances and of DB clusters, whose records and rules are the same. */
import { DBSnapshotAlreadyExistsFault, DBSnapshotNotFoundFault, InvalidDBSnapshotStateFault } from '@aws-sdk/client-rds'
import type { EventId } from '#catalog/events.ts'
import type { Collection, Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import type { Control, Scope } from '../control.ts'
import { dbSnapshots, snapshotSubject, type DbSnapshotRecord } from './record.ts'

export interface SnapshotKind {
  readonly collection: (control: Pick<Control, 'store'>, scope: Scope) => Collection<DbSnapshotRecord>
  /** In ARNs. */
  readonly type: 'snapshot' | 'cluster-snapshot'
  /** Member of requests that names a new copy. */
  readonly target: string
  readonly quota: 'ManualSnapshots' | 'ManualClusterSnapshots'
  /** The source of events, and those there are. */
  readonly source: 'db-snapshot' | 'db-cluster-snapshot'
  readonly events: {
    readonly manual: Readonly<Record<'creating' | 'created', EventId>>
    readonly automated: Readonly<Record<'creating' | 'created', EventId>>
    /** Of manual ones: others come and go without anybody having asked. */
    readonly deleted: EventId | undefined
  }
  readonly flows: { readonly copy: string; readonly remove: string }
  /** The subject of flows that work on one of them alone. */
  readonly subjectOf: (record: DbSnapshotRecord) => string
  readonly notFound: (name: string) => Error
  readonly exists: (id: string) => Error
  readonly invalidState: (message: string) => Error
}

export const OF_INSTANCES: SnapshotKind = {
  collection: dbSnapshots,
  type: 'snapshot',
  target: 'TargetDBSnapshotIdentifier',
  quota: 'ManualSnapshots',
  source: 'db-snapshot',
  events: {
    manual: { creating: 'RDS-EVENT-0040', created: 'RDS-EVENT-0042' },
    automated: { creating: 'RDS-EVENT-0090', created: 'RDS-EVENT-0091' },
    deleted: 'RDS-EVENT-0041',
  },
  flows: { copy: 'copy-db-snapshot', remove: 'delete-db-snapshot' },
  subjectOf: snapshotSubject,
  notFound: (name) => fault(DBSnapshotNotFoundFault, `DBSnapshot ${name} not found.`),
  exists: (id) =>
    fault(
      DBSnapshotAlreadyExistsFault,
      `Cannot create the snapshot because a snapshot with the identifier ${id} already exists.`,
    ),
  invalidState: (message) => fault(InvalidDBSnapshotStateFault, message),
}

export const notAvailable = ({ invalidState }: SnapshotKind, { id, status }: DbSnapshotRecord): Error =>
  invalidState(`Snapshot ${id} is not in the available state: it is ${status}.`)

/** A snapshot as a flow's input names it. */
export interface SnapshotRef {
  readonly name: string
  readonly resourceId: string
}

/** The snapshot, as long as it is this one. */
export async function findSnapshot(
  control: Pick<Control, 'store'>,
  scope: Scope,
  { kind, name, resourceId }: SnapshotRef & { readonly kind: SnapshotKind },
): Promise<Held<DbSnapshotRecord> | undefined> {
  const held = await kind.collection(control, scope).get(name)
  return held?.value.resourceId === resourceId ? held : undefined
}
