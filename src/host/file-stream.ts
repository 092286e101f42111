/** Files that are too large for memory: written and read in portions. */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, makeFolder, statOf, syncPath } from './disk.ts'
import { FILE_PORTION_BYTES, PLACE_TRIES_MAX } from './limits.ts'

/**
 * Writes a file, whole and durable when this resolves, in the place of the one that was there. It grows under another
 * name in `drafts`, a folder on the same disk, where a crash may leave it. Missing folders on the way are made.
 */
export async function writeStreamDurably(
  path: string,
  portions: AsyncIterable<Uint8Array>,
  { drafts, mode }: { readonly drafts: string; readonly mode: number },
): Promise<void> {
  await makeFolder(drafts, { mode: 0o700 })
  const draft = join(drafts, randomBytes(12).toString('hex'))
  try {
    const file = await fs.open(draft, 'wx', mode)
    try {
      for await (const portion of portions) await file.writeFile(portion)
      await file.sync()
    } finally {
      await file.close()
    }
    await putInPlace(draft, path)
  } catch (error) {
    await fs.rm(draft, { force: true })
    throw error
  }
  await syncPath(dirname(path))
}

/** Somebody may remove the folder, which is empty, between our making it and our putting something into it. */
async function putInPlace(draft: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await makeFolderDurably(dirname(path))
    try {
      return await fs.rename(draft, path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt === PLACE_TRIES_MAX) throw error
    }
  }
}

/** Makes a folder and its missing parents so that their names survive a power failure. */
async function makeFolderDurably(path: string): Promise<void> {
  if (await statOf(path)) return
  await makeFolderDurably(dirname(path))
  await makeFolder(path, { mode: 0o700 })
  await syncPath(dirname(path))
}

/** Undefined when there is no such file. It is open until the last portion was read, or the reader went away. */
export async function readStream(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const file = await fs.open(path, 'r').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  })
  return file && portions(file)
}

async function* portions(file: fs.FileHandle): AsyncIterable<Uint8Array> {
  try {
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(FILE_PORTION_BYTES), 0, FILE_PORTION_BYTES)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** Removes this folder if it is empty, and then its parents, up to `root`, which stays. */
export async function removeEmptyFolders(path: string, root: string): Promise<void> {
  for (let at = path; at.length > root.length && at.startsWith(root); at = dirname(at)) {
    try {
      await fs.rmdir(at)
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return
      throw error
    }
  }
}

/** Cuts a file off, or makes it longer with zeros that take no space. */
export async function resizeFile(path: string, bytes: number): Promise<void> {
  await fs.truncate(path, bytes)
}
