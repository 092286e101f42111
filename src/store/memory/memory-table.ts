import type { Revision } from '../store.ts'
import { compareKeys, prefixEnd } from '../local/keys.ts'
import type { Row, RowChange, Scan, Table } from '../local/table.ts'

/** Rows in a map, and their keys in a sorted array: an insertion moves pointers, which is cheap up to 100,000 keys. */
export class MemoryTable implements Table {
  readonly durable = false
  readonly generation = 1
  revision: Revision = 0
  private readonly rows = new Map<string, Row>()
  private readonly keys: string[] = []

  get(key: string): Row | undefined {
    return this.rows.get(key)
  }

  scan({ prefix, after, limit }: Scan): Row[] {
    let from = this.position(prefix)
    if (after !== undefined && compareKeys(after, prefix) >= 0) {
      from = this.position(after)
      if (this.keys[from] === after) from++
    }
    const end = prefixEnd(prefix)
    const to = end === undefined ? this.keys.length : this.position(end)
    const keys = this.keys.slice(from, limit === undefined ? to : Math.min(to, from + limit))
    return keys.map((key) => this.rows.get(key)!)
  }

  leasedKeys(): string[] {
    return []
  }

  write(revision: Revision, changes: readonly RowChange[]): void {
    for (const { key, row } of changes) {
      const isNew = !this.rows.has(key)
      if (row) {
        this.rows.set(key, row)
        if (isNew) this.keys.splice(this.position(key), 0, key)
      } else if (!isNew) {
        this.rows.delete(key)
        this.keys.splice(this.position(key), 1)
      }
    }
    this.revision = revision
  }

  close(): void {
    this.rows.clear()
    this.keys.length = 0
  }

  /** Where the first key that is not smaller than `key` stands. */
  private position(key: string): number {
    let low = 0
    let high = this.keys.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(this.keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
