/**
 * Objects as files of one folder, which may be on a network disk. A key is a path below it; what is being written lies
 * in `.drafts`, which is no key.
 */
import { dirname, join } from 'node:path'
import { codeOf, makeFolder, namesIn, removeTree, statOf } from '#host/disk.ts'
import { readStream, removeEmptyFolders, writeStreamDurably } from '#host/file-stream.ts'
import { checkKey, portionsOf, type ObjectFacts, type ObjectStore } from './object-store.ts'

const DRAFTS = '.drafts'

/** `root` is made when it is missing. What an earlier process left half-written there is removed by age. */
export async function folderObjects(root: string, now: number): Promise<ObjectStore> {
  await makeFolder(root, { mode: 0o700 })
  await dropOldDrafts(join(root, DRAFTS), now)
  const pathOf = (key: string): string => {
    checkKey(key)
    return join(root, key)
  }
  const put = (key: string, portions: AsyncIterable<Uint8Array>): Promise<void> =>
    writeStreamDurably(pathOf(key), portions, { drafts: join(root, DRAFTS), mode: 0o600 })
  return {
    put: (key, body) => put(key, portionsOf(body)),
    get: async (key) => readStream(pathOf(key)),
    list: (prefix, after = '') => list(root, prefix, after),
    async delete(keys) {
      for (const key of keys) {
        await removeTree(pathOf(key))
        await removeEmptyFolders(dirname(pathOf(key)), root)
      }
    },
    async copy(from, to) {
      const source = await readStream(pathOf(from))
      if (!source) throw new Error(`the archive has no object ${from}`)
      await put(to, source)
    },
    close() {},
  }
}

/** A body that takes longer than this to come is not coming: its writer is gone. */
const DRAFT_AGE_MS_MAX = 24 * 60 * 60 * 1_000

async function dropOldDrafts(drafts: string, now: number): Promise<void> {
  for (const name of await namesIn(drafts)) {
    const stat = await statOf(join(drafts, name))
    if (stat && now - stat.writtenAt > DRAFT_AGE_MS_MAX) await removeTree(join(drafts, name))
  }
}

async function* list(root: string, prefix: string, after: string): AsyncIterable<ObjectFacts> {
  // Only the folder that every such key lies in is looked into.
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  for await (const found of walk(root, start)) {
    if (found.key.startsWith(prefix) && found.key > after) yield found
  }
}

/** In the order of whole keys: a folder `a/` comes after a file `a-b` and before `a0`. */
async function* walk(root: string, under: string): AsyncIterable<ObjectFacts> {
  const entries: { readonly sortsAs: string; readonly key: string; readonly sizeBytes: number; isFolder: boolean }[] =
    []
  for (const name of await namesUnlessGone(join(root, under))) {
    if (name === DRAFTS) continue
    const key = under + name
    const stat = await statOf(join(root, key))
    if (stat) entries.push({ ...stat, key, sortsAs: stat.isFolder ? `${key}/` : key })
  }
  entries.sort((a, b) => (a.sortsAs < b.sortsAs ? -1 : 1))
  for (const { key, sizeBytes, isFolder } of entries) {
    if (isFolder) yield* walk(root, `${key}/`)
    else yield { key, sizeBytes }
  }
}

async function namesUnlessGone(folder: string): Promise<string[]> {
  try {
    return await namesIn(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}
