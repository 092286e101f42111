/** Files that hold keys: made once, by whoever comes first, and readable by their owner alone. */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf, syncPath, writeFileDurably } from './disk.ts'

/**
 * Makes the file with mode 0600, whole and durable, unless there is one already: false, and that one is untouched. Of
 * several processes that try at once, one succeeds. The folder must exist.
 */
export async function createPrivateFile(path: string, content: string): Promise<boolean> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.draft`)
  await writeFileDurably(draft, content, { mode: 0o600 })
  try {
    // A link is made whole or not at all, and, unlike a rename, never over a file that is there.
    await fs.link(draft, path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await fs.rm(draft, { force: true })
  }
  await syncPath(dirname(path))
  return true
}

/** Undefined when there is no such file. Throws when anybody but the owner may read or change it. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: fs.FileHandle
  try {
    file = await fs.open(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, '0')
      throw new Error(`${path} holds secrets and others may open it (mode ${found}): run chmod 600 '${path}'`)
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
