import type { Compare, Op, Revision, Store } from './store.ts'

/** A record as read, with the revision that an update of it must still find. */
export interface Held<T> {
  readonly key: string
  readonly value: T
  readonly revision: Revision
}

/** Part of a transaction: what must still be so, and what to write. */
export interface Mutation {
  readonly compares: readonly Compare[]
  readonly ops: readonly Op[]
}

/** A mutation that changes nothing and cannot conflict. */
export const NOTHING: Mutation = { compares: [], ops: [] }

/**
 * JSON records of one type under one prefix. Reads go to the store; writes return a {@link Mutation} for the caller to
 * put into its transaction together with others, so that a resource, its port and its flow appear or fail together.
 */
export class Collection<T> {
  private readonly store: Store
  readonly prefix: string

  /** `prefix` ends with a slash. */
  constructor(store: Store, prefix: string) {
    this.store = store
    this.prefix = prefix
  }

  async get(id: string): Promise<Held<T> | undefined> {
    const entry = await this.store.get(this.prefix + id)
    return entry && { key: entry.key, value: JSON.parse(entry.value) as T, revision: entry.modRevision }
  }

  /** Every record whose id starts with `under`, in order of id. */
  async list(under = ''): Promise<Held<T>[]> {
    const { entries } = await this.store.range(this.prefix + under)
    return entries.map((e) => ({ key: e.key, value: JSON.parse(e.value) as T, revision: e.modRevision }))
  }

  /** Fails the transaction if the record exists. */
  create(id: string, value: T): Mutation {
    const key = this.prefix + id
    return { compares: [{ key, modRevision: 0 }], ops: [{ op: 'put', key, value: JSON.stringify(value) }] }
  }

  /** Fails the transaction if the record changed since it was read. */
  update(held: Held<T>, value: T): Mutation {
    const { key, revision } = held
    return { compares: [{ key, modRevision: revision }], ops: [{ op: 'put', key, value: JSON.stringify(value) }] }
  }

  /** Fails the transaction if the record changed since it was read. */
  remove(held: Held<T>): Mutation {
    const { key, revision } = held
    return { compares: [{ key, modRevision: revision }], ops: [{ op: 'delete', key }] }
  }
}

/** One transaction out of several mutations. */
export function together(...mutations: readonly Mutation[]): Mutation {
  return { compares: mutations.flatMap((m) => m.compares), ops: mutations.flatMap((m) => m.ops) }
}
