import type { Entry, LeaseId, Revision } from '../store.ts'

/** An entry with what only the store itself knows of it. */
export interface Row extends Entry {
  readonly lease: LeaseId | undefined
}

/** One key's state after a commit; `row` is undefined when the key is gone. */
export interface RowChange {
  readonly key: string
  readonly row: Row | undefined
}

export interface Scan {
  readonly prefix: string
  readonly after: string | undefined
  readonly limit: number | undefined
}

/**
 * What a store inside one process keeps its entries in. Synchronous: nothing else can happen between a comparison and
 * the write that depends on it. {@link LocalStore} makes a Store of it.
 */
export interface Table {
  /** Whether {@link Table.write} survives a power failure once it has returned. */
  readonly durable: boolean
  /** Different at each opening of the same table: leases of an earlier one are known by it. */
  readonly generation: number
  /** Revision of the last write. */
  readonly revision: Revision
  get(key: string): Row | undefined
  /** In order of key. */
  scan(scan: Scan): Row[]
  /** Keys that an earlier opening left under leases. */
  leasedKeys(): string[]
  /** All of the changes or, when it throws, none. */
  write(revision: Revision, changes: readonly RowChange[]): void
  close(): void
}
