/** Decides what a commit would change, without changing it. */
import type { Compare, LeaseId, Op, Revision } from '../store.ts'
import type { Row, RowChange, Table } from './table.ts'

type Reader = Pick<Table, 'get' | 'scan'>

/** Keys that are not at the revision that the caller has seen. */
export function conflictsOf(table: Reader, compares: readonly Compare[]): string[] {
  return compares.filter((c) => (table.get(c.key)?.modRevision ?? 0) !== c.modRevision).map((c) => c.key)
}

interface Pending {
  readonly put: { readonly value: string; readonly lease: LeaseId | undefined } | undefined
  /** Deleted at some point of this commit: a put after that makes a new entry. */
  readonly recreated: boolean
}

/**
 * The net effect of operations applied in order: one change for each key that differs afterwards. A key that is put
 * and deleted in the same commit, and was not there before, does not appear.
 */
export function effectOf(table: Reader, ops: readonly Op[], revision: Revision): RowChange[] {
  const pending = new Map<string, Pending>()
  const remove = (key: string): void => void pending.set(key, { put: undefined, recreated: true })
  for (const op of ops) {
    switch (op.op) {
      case 'put':
        pending.set(op.key, {
          put: { value: op.value, lease: op.lease },
          recreated: pending.get(op.key)?.recreated ?? false,
        })
        break
      case 'delete':
        remove(op.key)
        break
      case 'delete-prefix':
        for (const key of pending.keys()) if (key.startsWith(op.prefix)) remove(key)
        for (const row of table.scan({ prefix: op.prefix, after: undefined, limit: undefined })) remove(row.key)
        break
    }
  }
  return [...pending].flatMap(([key, { put, recreated }]): RowChange[] => {
    const before = table.get(key)
    if (!put) return before ? [{ key, row: undefined }] : []
    const createRevision = before && !recreated ? before.createRevision : revision
    const row: Row = { key, value: put.value, modRevision: revision, createRevision, lease: put.lease }
    return [{ key, row }]
  })
}
