import type { Clock } from '#host/clock.ts'
import type {
  Change,
  CommitResult,
  Compare,
  Entry,
  LeaseId,
  Op,
  RangeOptions,
  Revision,
  Store,
  Watch,
} from '../store.ts'
import { OPS_MAX, VALUE_LENGTH_MAX } from '../limits.ts'
import { ChangeFeed } from './change-feed.ts'
import { conflictsOf, effectOf } from './effect.ts'
import { checkKey } from './keys.ts'
import { Leases } from './leases.ts'
import type { Row, Table } from './table.ts'

/**
 * A store within one process, over a synchronous table. The methods are asynchronous because the port is; each does
 * its work in one go before it returns its promise, which is what makes a commit atomic and reads linearizable.
 */
export class LocalStore implements Store {
  private readonly table: Table
  private readonly feed: ChangeFeed
  private readonly leases: Leases
  private closed = false

  /** Deletes what leases of an earlier opening left. Owns the table from now on. */
  constructor(table: Table, clock: Clock) {
    this.table = table
    this.leases = new Leases(clock, table.generation, (keys) => this.deleteKeys(keys))
    this.feed = new ChangeFeed(table.revision)
    this.deleteKeys(table.leasedKeys())
  }

  get durable(): boolean {
    return this.table.durable
  }

  async get(key: string): Promise<Entry | undefined> {
    this.checkOpen()
    const row = this.table.get(key)
    return row && entryOf(row)
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<{ entries: Entry[]; revision: Revision }> {
    this.checkOpen()
    const rows = this.table.scan({ prefix, after: options.after, limit: options.limit })
    return { entries: rows.map(entryOf), revision: this.table.revision }
  }

  async commit(compares: readonly Compare[], ops: readonly Op[]): Promise<CommitResult> {
    this.checkOpen()
    if (ops.length > OPS_MAX) throw new RangeError(`${ops.length} operations in one commit: at most ${OPS_MAX}`)
    for (const op of ops) checkOp(op)
    const conflicts = [...conflictsOf(this.table, compares), ...this.deadLeases(ops)]
    if (conflicts.length > 0) return { committed: false, revision: this.table.revision, conflicts }
    return { committed: true, revision: this.apply(ops) }
  }

  watch(prefix: string, after: Revision, onChanges: (changes: readonly Change[]) => void): Watch {
    this.checkOpen()
    return this.feed.watch(prefix, after, onChanges)
  }

  async grantLease(ttlMs: number): Promise<LeaseId> {
    this.checkOpen()
    return this.leases.grant(ttlMs)
  }

  async renewLease(lease: LeaseId): Promise<boolean> {
    this.checkOpen()
    return this.leases.renew(lease)
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    this.checkOpen()
    this.leases.end(lease)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.leases.close()
    this.feed.close()
    this.table.close()
  }

  private checkOpen(): void {
    if (this.closed) throw new Error('the store is closed')
  }

  private deadLeases(ops: readonly Op[]): string[] {
    return ops.flatMap((op) => (op.op === 'put' && op.lease && !this.leases.isAlive(op.lease) ? [op.key] : []))
  }

  private deleteKeys(keys: readonly string[]): void {
    this.apply(keys.map((key) => ({ op: 'delete', key })))
  }

  /** Table first: when it throws, nothing has happened. */
  private apply(ops: readonly Op[]): Revision {
    const revision = this.table.revision + 1
    const changes = effectOf(this.table, ops, revision)
    if (changes.length === 0) return this.table.revision
    const leasesBefore = changes.map((c) => this.table.get(c.key)?.lease)
    this.table.write(revision, changes)
    for (const [at, { key, row }] of changes.entries()) {
      const before = leasesBefore[at]
      if (before !== undefined) this.leases.detach(before, key)
      if (row?.lease !== undefined) this.leases.attach(row.lease, key)
    }
    this.feed.add(changes.map(({ key, row }) => ({ key, value: row?.value, modRevision: revision })))
    return revision
  }
}

function checkOp(op: Op): void {
  if (op.op === 'delete-prefix') return
  checkKey(op.key)
  if (op.op === 'put' && op.value.length > VALUE_LENGTH_MAX) {
    throw new RangeError(`value of ${op.value.length} characters for ${op.key}: at most ${VALUE_LENGTH_MAX}`)
  }
}

function entryOf({ key, value, modRevision, createRevision }: Row): Entry {
  return { key, value, modRevision, createRevision }
}
