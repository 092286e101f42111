/** A second archive of the same instance, elsewhere in the object store: kept up with the first, and of use without it. */
import type { BaseFacts } from '#wire/agent/archive.ts'
import { BaseArchive } from './base-archive.ts'
import { parseLogKey, type LogPortion } from './log-keys.ts'
import type { ObjectStore } from './object-store.ts'

interface Prefixes {
  readonly from: string
  readonly to: string
}

/**
 * Copies what the second one lacks: first histories, then the log, then pieces of base backups, and their manifests last,
 * so that what it has is always usable. May run any number of times, and be killed anywhere. Gives the base backups that
 * the second one has in the end.
 */
export async function mirrorArchive(
  store: ObjectStore,
  { from, to }: Prefixes,
  signal: AbortSignal,
): Promise<readonly BaseFacts[]> {
  const [source, target] = [await keysUnder(store, from), new Set(await keysUnder(store, to))]
  const missing = source.filter((key) => !target.has(key)).sort((a, b) => rankOf(a) - rankOf(b))
  for (const key of missing) {
    signal.throwIfAborted()
    await copyUnlessGone(store, `${from}/${key}`, `${to}/${key}`)
  }
  await dropJoined(store, to)
  return new BaseArchive(store, to).list()
}

async function keysUnder(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(`${prefix}/`)) keys.push(key.slice(prefix.length + 1))
  return keys
}

function rankOf(key: string): number {
  if (key.startsWith('history/')) return 0
  if (key.startsWith('log/')) return 1
  return key.endsWith('/manifest') ? 3 : 2
}

/** Portions that were joined, and base backups that were removed, go while they are copied; the next run copies the rest. */
async function copyUnlessGone(store: ObjectStore, from: string, to: string): Promise<void> {
  try {
    await store.copy(from, to)
  } catch (error) {
    if ((await store.get(from)) !== undefined) throw error
  }
}

/** Portions that lie within a longer one are what that was joined of. */
async function dropJoined(store: ObjectStore, prefix: string): Promise<void> {
  const covered: string[] = []
  let longest: LogPortion | undefined
  let longestKey = ''
  for await (const { key } of store.list(`${prefix}/log/`)) {
    const portion = parseLogKey(key)
    if (!portion) continue
    const isApart = !longest || portion.timeline !== longest.timeline || portion.start >= longest.end
    if (isApart || portion.end > longest!.end) {
      // Keys are in order of their starts: of two with one start the longer one comes later.
      if (!isApart && portion.start === longest!.start) covered.push(longestKey)
      longest = portion
      longestKey = key
    } else covered.push(key)
  }
  await store.delete(covered)
}
