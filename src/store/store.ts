/**
 * The state-store port: an ordered key-value store with revisions, compare-and-set transactions, prefix watches and
 * leases. What etcd offers, and no more, so that etcd can stand behind it.
 *
 * What every driver guarantees, and `store.conformance.ts` checks:
 * - Each successful `commit` with at least one effective operation gets the next revision; revisions only grow.
 * - A commit is atomic and, where `durable`, on disk before its promise resolves.
 * - Reads see every commit whose promise has resolved (linearizable).
 * - A watcher sees every change under its prefix after the given revision, in order of revision, all changes of one
 *   commit together, none twice.
 * - When a lease expires or is revoked, its keys are deleted by one commit. A put under a lease that is gone conflicts
 *   on its key. Where one process owns the store, its leases end with the process.
 * - Operations of one commit apply in order; a watcher sees what each key has become, once.
 *
 * Nobody retries a commit whose outcome is unknown (it threw): read the revision again instead.
 */
export type Revision = number
export type LeaseId = string

export interface Entry {
  readonly key: string
  readonly value: string
  /** Revision of the commit that last wrote this key. */
  readonly modRevision: Revision
  /** Revision of the commit that created it. */
  readonly createRevision: Revision
}

/** `modRevision: 0` means: the key must not exist. */
export interface Compare {
  readonly key: string
  readonly modRevision: Revision
}

export type Op =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'delete-prefix'; readonly prefix: string }

export type CommitResult =
  | { readonly committed: true; readonly revision: Revision }
  /** Nothing was written. `conflicts` names the keys whose comparison failed. */
  | { readonly committed: false; readonly revision: Revision; readonly conflicts: readonly string[] }

/** `value` is undefined for a deletion. */
export interface Change {
  readonly key: string
  readonly value: string | undefined
  readonly modRevision: Revision
}

export interface Watch {
  close(): void
}

export interface RangeOptions {
  /** Keys after this one only (exclusive); for paging. */
  readonly after?: string
  readonly limit?: number
}

export interface Store {
  /** Whether a resolved commit survives the death of this process and a power failure. */
  readonly durable: boolean

  get(key: string): Promise<Entry | undefined>
  /** Entries whose key starts with `prefix`, in order of key (by UTF-8 bytes), as of `revision`. */
  range(prefix: string, options?: RangeOptions): Promise<{ entries: Entry[]; revision: Revision }>
  commit(compares: readonly Compare[], ops: readonly Op[]): Promise<CommitResult>
  /**
   * Calls `onChanges` for every commit after `after` that touched the prefix. A driver that has forgotten that far back
   * throws {@link CompactedError}: read the range and watch from its revision.
   */
  watch(prefix: string, after: Revision, onChanges: (changes: readonly Change[]) => void): Watch

  grantLease(ttlMs: number): Promise<LeaseId>
  /** False when the lease is gone: its keys are deleted, and the holder must stop acting on them. */
  renewLease(lease: LeaseId): Promise<boolean>
  revokeLease(lease: LeaseId): Promise<void>

  close(): Promise<void>
}

/** The store no longer holds the changes between the asked revision and now. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError'
}

/** Another process has the store open, and this driver allows one. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError'
}

/** The store's file cannot be read as one. The message names the file and what to do. */
export class StoreCorruptError extends Error {
  override readonly name = 'StoreCorruptError'
}
