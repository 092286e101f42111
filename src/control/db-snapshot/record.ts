/** What the store holds of a DB snapshot. The data is a folder named by `resourceId`, which renaming never touches. */
import type { DbEngine } from '#catalog/engine-versions.ts'
import { Collection } from '#store/collection.ts'
import type { SnapshotPlace } from '#wire/agent/archive.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import type { DbInstanceRecord, DbInstanceSettings, Tag } from '../db-instance/record.ts'

export interface DbSnapshotRecord {
  readonly id: string
  readonly resourceId: string
  readonly account: string
  readonly region: string
  readonly zone: string
  readonly type: 'manual' | 'automated'
  readonly status: 'creating' | 'copying' | 'available' | 'deleting' | 'failed'
  readonly complaint: string | undefined
  /** When the copy began. */
  readonly createdAt: number
  /** When the first snapshot of this data was taken, through all copies. */
  readonly originalCreatedAt: number
  readonly sizeBytes: number
  readonly sourceArn: string | undefined
  /** Accounts that may restore it besides its own; `all` makes it public. */
  readonly restorers: readonly string[]
  readonly tags: readonly Tag[]
  /** The instance as it was. */
  readonly instance: SnapshotSource
  /** Where it stands in the log of the instance; undefined: that did not serve. */
  readonly log?: SnapshotPlace | undefined
}

export interface SnapshotSource {
  readonly id: string
  readonly resourceId: string
  readonly createdAt: number
  readonly engine: DbEngine
  readonly port: number
  readonly masterUsername: string
  readonly masterVerifier: string
  readonly databaseName: string | undefined
  readonly settings: DbInstanceSettings
}

export const dbSnapshots = (control: Pick<Control, 'store'>, scope: Scope): Collection<DbSnapshotRecord> =>
  new Collection(control.store, prefixOf(scope, 'db-snapshot'))

/** The subject of flows that work on a snapshot without its instance. */
export const snapshotSubject = (record: DbSnapshotRecord): string =>
  `db-snapshot/${record.account}/${record.region}/${record.resourceId}`

export function sourceOf(record: DbInstanceRecord): SnapshotSource {
  return {
    id: record.id,
    resourceId: record.resourceId,
    createdAt: record.createdAt,
    engine: record.engine,
    port: record.port,
    masterUsername: record.master.username,
    masterVerifier: record.master.verifier,
    databaseName: record.databaseName,
    settings: record.settings,
  }
}
