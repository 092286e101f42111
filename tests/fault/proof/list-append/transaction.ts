/** Transactions over lists: each appends values to keys and reads keys. A value is appended to a key at most once. */
import type { Operation } from '../history.ts'

export interface Append {
  readonly f: 'append'
  readonly key: string
  readonly value: number
}

export interface Read {
  readonly f: 'read'
  readonly key: string
  /** Undefined where the answer never came. */
  readonly list: readonly number[] | undefined
}

export type MicroOperation = Append | Read
export type Transaction = Operation<readonly MicroOperation[]>

export interface Anomaly {
  readonly name: AnomalyName
  /** For a person: which transactions, which keys, what was seen. */
  readonly detail: string
}

export type AnomalyName =
  /** A transaction does not see its own writes, or sees one key in two states. */
  | 'internal'
  /** Of two lists that were read under one key neither begins with the other. */
  | 'incompatible-order'
  | 'duplicate-append'
  /** A value that nobody appended. */
  | 'unwritten'
  /** An append of a committed transaction that is not in the final state. */
  | 'lost-append'
  /** Of a transaction whose outcome was unknown one append is in the final state, and another is not. */
  | 'torn'
  /** Aborted read: a value of a transaction that failed. */
  | 'G1a'
  /** Intermediate read: a list as it was in the middle of a transaction. */
  | 'G1b'
  /** Dirty write: a cycle of writes after writes. */
  | 'G0'
  /** Circular information flow: a cycle of writes after writes and reads of what was written. */
  | 'G1c'
  /** A cycle with exactly one read of what was then overwritten. */
  | 'G-single'
  /** A cycle with several of those, no two in a row. */
  | 'G-nonadjacent'
  /** A cycle with two of those in a row: write skew. */
  | 'G2'
  /** A cycle of one of these kinds only together with the order in time: something old was seen, or overwritten. */
  | 'G0-realtime'
  | 'G1c-realtime'
  | 'G-single-realtime'
  | 'G-nonadjacent-realtime'
  | 'G2-realtime'

export const describeTransaction = ({ process, value }: Transaction): string =>
  `client ${process}: ${value
    .map((op) => (op.f === 'append' ? `append ${op.key} ${op.value}` : `read ${op.key} [${op.list?.join(' ') ?? '?'}]`))
    .join(', ')}`
