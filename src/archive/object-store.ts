/**
 * The object-store port: where backups and logs are kept. Objects are whole: a reader sees all of one or nothing.
 * Drivers: folder-objects.ts (the default), memory-objects.ts (simulated), s3-objects.ts. There are no flags: all of
 * them give the same guarantees, and one suite (object-store.conformance.ts) holds them to these.
 */
import { assert } from '#base/assert.ts'

export interface ObjectStore {
  /**
   * Puts an object in the place of whatever has the key. It is durable and visible, whole, when this resolves; when it
   * throws or the process dies, what was there before is there still. `body` is read once.
   */
  put(key: string, body: Body): Promise<void>
  /** The object's bytes in portions; undefined when there is none. A replacement meanwhile does not mix into it. */
  get(key: string): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Every object whose key begins with `prefix`, in the order of the keys' bytes, those after `after` only. */
  list(prefix: string, after?: string): AsyncIterable<ObjectFacts>
  /** Absent ones: nothing. Not in one step: some may be gone when it throws. */
  delete(keys: readonly string[]): Promise<void>
  /** A copy inside the store, whose bytes do not pass through this process where the store can do so. */
  copy(from: string, to: string): Promise<void>
  close(): void
}

export type Body = Uint8Array | AsyncIterable<Uint8Array>

export interface ObjectFacts {
  readonly key: string
  readonly sizeBytes: number
}

/** What every driver can keep: names of letters, digits, `.`, `_`, `-`, separated by single slashes. */
export function checkKey(key: string): void {
  assert(
    /^[A-Za-z0-9_-][\w.-]*(\/[A-Za-z0-9_-][\w.-]*)*$/.test(key) && key.length <= 900,
    `'${key}' is an object's key`,
  )
}

/** An object as a whole, for those that are known to be small; undefined when there is none. */
export async function readWhole(store: Pick<ObjectStore, 'get'>, key: string): Promise<Buffer | undefined> {
  const body = await store.get(key)
  if (!body) return undefined
  const portions: Uint8Array[] = []
  for await (const portion of body) portions.push(portion)
  return Buffer.concat(portions)
}

export async function* portionsOf(body: Body): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) yield body
  else yield* body
}
