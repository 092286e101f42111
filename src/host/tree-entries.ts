/** A folder's content one by one, to be kept somewhere that has no folders, and made again out of that. */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.ts'

/** `path` is relative to the folder. Parents come before what is in them. */
export type TreeEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly sizeBytes: number }

/** Sockets and pipes are left out. Nobody changes the folder meanwhile. */
export async function* treeEntries(root: string, under = ''): AsyncIterable<TreeEntry> {
  const entries = await fs.readdir(join(root, under), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(under, entry.name)
    if (entry.isSymbolicLink()) {
      yield { kind: 'link', path, target: await fs.readlink(join(root, path)) }
      continue
    }
    const { mode, size } = await fs.stat(join(root, path))
    if (entry.isDirectory()) {
      yield { kind: 'folder', path, mode: mode & 0o7777 }
      yield* treeEntries(root, path)
    } else if (entry.isFile()) yield { kind: 'file', path, mode: mode & 0o7777, sizeBytes: size }
  }
}

/** Makes what an entry says, a file full of zeros. What is there already is left as it is. */
export async function makeEntry(root: string, entry: TreeEntry, account: Account | undefined): Promise<void> {
  const path = join(root, entry.path)
  if (entry.kind === 'link') {
    await fs.rm(path, { force: true })
    return fs.symlink(entry.target, path)
  }
  if (entry.kind === 'folder') {
    await fs.mkdir(path, { recursive: true, mode: entry.mode })
    await fs.chmod(path, entry.mode)
  } else {
    const file = await fs.open(path, 'a', entry.mode)
    try {
      await file.truncate(entry.sizeBytes)
      await file.chmod(entry.mode)
    } finally {
      await file.close()
    }
  }
  if (account) await fs.chown(path, account.uid, account.gid)
}
