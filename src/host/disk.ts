/** Single files and folders on the local disk. Whole trees: tree.ts. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Account } from './account.ts'

export interface Ownership {
  /** Permission bits; default: what the umask leaves. */
  readonly mode?: number
  /** Whom it belongs to; undefined: whoever runs this process. */
  readonly account?: Account | undefined
}

/**
 * Writes a file so that after a power failure either the old or the new content is there, whole. On disk when this
 * resolves. Mode and owner are right before the content is in it, so a secret is never readable by others.
 */
export async function writeFileDurably(path: string, content: string | Uint8Array, own: Ownership = {}): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await fs.open(temporary, 'wx', own.mode ?? 0o666)
    try {
      if (own.mode !== undefined) await file.chmod(own.mode)
      if (own.account) await file.chown(own.account.uid, own.account.gid)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncPath(dirname(path))
}

/** Makes the folder and its missing parents. Mode and owner are set on the last one, also where it was there before. */
export async function makeFolder(path: string, own: Ownership = {}): Promise<void> {
  await fs.mkdir(path, { recursive: true, ...(own.mode === undefined ? {} : { mode: own.mode }) })
  if (own.mode !== undefined) await fs.chmod(path, own.mode)
  if (own.account) await fs.chown(path, own.account.uid, own.account.gid)
}

/** The same, with nothing in it. A folder that is there stays the same one: a file system may be mounted on it. */
export async function emptyFolder(path: string, own: Ownership = {}): Promise<void> {
  for (const name of await namesIn(path)) await removeTree(join(path, name))
  await makeFolder(path, own)
}

/** Deletes a file or a folder with everything in it. Absent before: nothing. */
export async function removeTree(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true, maxRetries: 3 })
}

/** For those who cannot wait, not even for one turn of the event loop. Microseconds. */
export const isThereNow = (path: string): boolean => existsSync(path)

export async function exists(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined
}

/** Whether something is there that we may look at: folders on a PATH may be missing, be files, or be closed to us. */
export async function isReachable(path: string): Promise<boolean> {
  return fs.stat(path).then(
    () => true,
    () => false,
  )
}

/** Size in bytes and time of the last write in milliseconds since the epoch; undefined when nothing is there. */
export async function statOf(
  path: string,
): Promise<{ sizeBytes: number; writtenAt: number; isFolder: boolean } | undefined> {
  const stat = await unlessAbsent(fs.stat(path))
  return stat && { sizeBytes: stat.size, writtenAt: stat.mtimeMs, isFolder: stat.isDirectory() }
}

/** Undefined when there is no such file. */
export function readText(path: string): Promise<string | undefined> {
  return unlessAbsent(fs.readFile(path, 'utf8'))
}

/** Bytes [offset, offset + count) of a file, fewer at its end; undefined when there is no such file. */
export async function readBytes(path: string, offset: number, count: number): Promise<Buffer | undefined> {
  const file = await unlessAbsent(fs.open(path, 'r'))
  if (!file) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Names in a folder, in order; none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return ((await unlessAbsent(fs.readdir(folder))) ?? []).sort()
}

/** Renames, and makes the new name survive a power failure. Both paths are on one disk. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await fs.rename(from, to)
  await syncPath(dirname(to))
  if (dirname(from) !== dirname(to)) await syncPath(dirname(from))
}

/** Overwrites bytes in the middle of a file that is there. Not durable by itself: {@link syncPath}. */
export async function overwriteBytes(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, offset)
  } finally {
    await file.close()
  }
}

/** Makes a symbolic link, in the place of whatever file or link is there. `target` is as readers of the link see it. */
export async function makeLink(target: string, path: string): Promise<void> {
  await fs.rm(path, { force: true })
  await fs.symlink(target, path)
}

/** fsync of one file, or of one folder's own entries. */
export async function syncPath(path: string): Promise<void> {
  const handle = await fs.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Bytes that an unprivileged process may still write on the disk that holds `path`. */
export async function freeBytes(path: string): Promise<number> {
  const facts = await fs.statfs(path)
  return facts.bavail * facts.bsize
}

/** Whether copies within this folder can share blocks. Found by trying; the folder must be writable. */
export async function canReflink(folder: string): Promise<boolean> {
  const probe = join(folder, `.reflink-${randomBytes(6).toString('hex')}`)
  try {
    // An empty file can be "cloned" anywhere; one byte needs a block.
    await fs.writeFile(probe, 'x', { flag: 'wx' })
    await fs.copyFile(probe, `${probe}.copy`, fs.constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch (error) {
    if (isDiskFull(error)) throw error
    return false
  } finally {
    await fs.rm(probe, { force: true })
    await fs.rm(`${probe}.copy`, { force: true })
  }
}

/** No space, or none left in this account's quota. Looks through causes too. */
export function isDiskFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = codeOf(at)
    if (code === 'ENOSPC' || code === 'EDQUOT') return true
  }
  return false
}

/** By which error a disk, or the file system on it, says that it works no more; undefined: it is another one. */
export function brokenDisk(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = codeOf(at)
    if (code === 'EIO' || code === 'EROFS') return code
  }
  return undefined
}

/** The system's own name of an error, `ENOENT`; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The result, or undefined when what was asked for is not there. */
async function unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
