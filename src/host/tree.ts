/** Folders with everything in them: copied, made durable, counted. Bounded concurrency, safe to cancel. */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.ts'
import { codeOf, renameDurably, syncPath } from './disk.ts'
import { FILES_AT_ONCE, SPARSE_CHUNK_BYTES } from './limits.ts'

export interface CopyOptions {
  /** Whom the copy belongs to; undefined: whoever runs this process. Modes are those of the source. */
  readonly account?: Account | undefined
  /** Called with each path relative to the source, `base/1/112`; true leaves it, and all below it, out. */
  readonly exclude?: (path: string) => boolean
  /** The source is written to meanwhile: files that vanish are left out instead of failing the copy. */
  readonly live?: boolean
  readonly signal?: AbortSignal
}

export interface CopyFacts {
  readonly files: number
  readonly bytes: number
  /** Whether every file shares its blocks with the source. */
  readonly reflinked: boolean
}

/**
 * Copies a folder's content into `target` (made if absent; files already there are overwritten). Blocks are shared
 * where the disk can, holes stay holes. Not durable by itself: {@link syncTree}.
 */
export async function copyTree(source: string, target: string, options: CopyOptions = {}): Promise<CopyFacts> {
  const copier = new Copier(options)
  const work: Work = { folders: [], files: [], links: [] }
  await listTree(source, '', options, work)
  // Parents come before children in the list, and a folder is there before anything is put into it.
  await fs.mkdir(target, { recursive: true })
  for (const folder of ['', ...work.folders]) await copier.folder(join(source, folder), join(target, folder))
  for (const link of work.links) {
    await fs.rm(join(target, link), { force: true })
    await fs.symlink(await fs.readlink(join(source, link)), join(target, link))
  }
  // The first file alone finds out whether this disk can reflink; the others then need not try.
  const [first, ...others] = work.files
  if (first !== undefined) await copier.file(join(source, first), join(target, first))
  await eachAtOnce(others, options.signal, (file) => copier.file(join(source, file), join(target, file)))
  return { files: work.files.length, bytes: copier.bytes, reflinked: copier.reflink && work.files.length > 0 }
}

/**
 * Renames a folder where that can be done. To another file system it is copied, and the original stays: an interrupted
 * move can be begun again, and whoever has moved it removes what is left. Durable where it was renamed: {@link syncTree}.
 */
export async function moveTree(
  source: string,
  target: string,
  options: Pick<CopyOptions, 'account' | 'signal'>,
): Promise<void> {
  try {
    await renameDurably(source, target)
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error
    await copyTree(source, target, options)
  }
}

/**
 * Makes every file and folder below, and the folder's own entry list, survive a power failure. `live`: somebody works
 * in it meanwhile, and what vanishes needs no syncing. `exclude`: what is durable already.
 */
export async function syncTree(folder: string, options: Pick<CopyOptions, 'live' | 'exclude'> = {}): Promise<void> {
  const work: Work = { folders: [], files: [], links: [] }
  await listTree(folder, '', options, work)
  const paths = [...work.files, ...work.folders, ''].map((path) => join(folder, path))
  await eachAtOnce(paths, undefined, (path) => orVanished(options.live === true && path !== folder, syncPath(path)))
}

/** Bytes of all regular files below. Files that vanish meanwhile do not count. */
export async function treeBytes(folder: string, options: Pick<CopyOptions, 'exclude'> = {}): Promise<number> {
  const work: Work = { folders: [], files: [], links: [] }
  await listTree(folder, '', { ...options, live: true }, work)
  let bytes = 0
  await eachAtOnce(work.files, undefined, async (file) => {
    const stat = await orVanished(true, fs.stat(join(folder, file)))
    bytes += stat?.size ?? 0
  })
  return bytes
}

/** Paths relative to the root of the walk. */
interface Work {
  readonly folders: string[]
  readonly files: string[]
  readonly links: string[]
}

async function listTree(root: string, under: string, options: CopyOptions, work: Work): Promise<void> {
  options.signal?.throwIfAborted()
  const live = options.live === true && under !== ''
  for (const entry of (await orVanished(live, fs.readdir(join(root, under), { withFileTypes: true }))) ?? []) {
    const path = join(under, entry.name)
    if (options.exclude?.(path)) continue
    if (entry.isDirectory()) {
      work.folders.push(path)
      await listTree(root, path, options, work)
    } else if (entry.isSymbolicLink()) work.links.push(path)
    else if (entry.isFile()) work.files.push(path)
    // Sockets and pipes belong to the process that made them and mean nothing in a copy.
  }
}

class Copier {
  bytes = 0
  /** Until a file proves otherwise. */
  reflink = true
  private readonly account: Account | undefined
  private readonly live: boolean

  constructor(options: CopyOptions) {
    this.account = options.account
    this.live = options.live ?? false
  }

  async folder(source: string, target: string): Promise<void> {
    const stat = await orVanished(this.live, fs.stat(source))
    await fs.mkdir(target, { recursive: true })
    if (stat) await fs.chmod(target, stat.mode & 0o7777)
    if (this.account) await fs.chown(target, this.account.uid, this.account.gid)
  }

  async file(source: string, target: string): Promise<void> {
    const stat = await orVanished(this.live, fs.stat(source))
    if (!stat) return
    if (!(await this.clone(source, target))) {
      const copy =
        stat.blocks * 512 < stat.size ? copySparse(source, target, stat.mode & 0o7777) : fs.copyFile(source, target)
      if (
        (await orVanished(
          this.live,
          copy.then(() => true),
        )) === undefined
      )
        return
    }
    this.bytes += stat.size
    if (this.account) await fs.chown(target, this.account.uid, this.account.gid)
  }

  private async clone(source: string, target: string): Promise<boolean> {
    if (!this.reflink) return false
    try {
      await fs.copyFile(source, target, fs.constants.COPYFILE_FICLONE_FORCE)
      return true
    } catch {
      // Whatever the disk said, the plain copy that follows meets any real trouble again and reports it.
      this.reflink = false
      return false
    }
  }
}

/** Leaves out what is all zero, so that a hole in the source is one in the copy. */
async function copySparse(source: string, target: string, mode: number): Promise<void> {
  const from = await fs.open(source, 'r')
  try {
    const to = await fs.open(target, 'w', mode)
    try {
      const chunk = Buffer.allocUnsafe(SPARSE_CHUNK_BYTES)
      let at = 0
      for (;;) {
        const { bytesRead } = await from.read(chunk, 0, chunk.length, at)
        if (bytesRead === 0) break
        const piece = chunk.subarray(0, bytesRead)
        if (!isZero(piece)) await to.write(piece, 0, bytesRead, at)
        at += bytesRead
      }
      await to.truncate(at)
      await to.chmod(mode)
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

const ZEROS = Buffer.alloc(SPARSE_CHUNK_BYTES)

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length))
}

/** Runs `run` for every item, a bounded number at once. Starts no more after the first failure or the signal. */
async function eachAtOnce<T>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  run: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      signal?.throwIfAborted()
      const item = items[next++]!
      try {
        await run(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const settled = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker))
  for (const result of settled) if (result.status === 'rejected') throw result.reason
}

/** Undefined when the source is live and what was there a moment ago no longer is. */
async function orVanished<T>(live: boolean, result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (live && codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
