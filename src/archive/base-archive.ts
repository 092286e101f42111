/**
 * Base backups: a copy of a data folder, in pieces that each can be read by themselves. The manifest comes last, and
 * makes the backup complete.
 *
 *   <prefix>/base/<id>/000000 …   contents of files, each with where it belongs
 *   <prefix>/base/<id>/manifest   all files and folders, how many pieces, and where the log begins that it needs
 */
import { join } from 'node:path'
import type { Account } from '#host/account.ts'
import type { BaseFacts } from '#wire/agent/archive.ts'
import { overwriteBytes, readBytes } from '#host/disk.ts'
import { makeEntry, treeEntries, type TreeEntry } from '#host/tree-entries.ts'
import { BASE_PIECE_BYTES, PIECES_AT_ONCE } from './limits.ts'
import { BrokenArchive } from './log-archive.ts'
import { readWhole, type ObjectStore } from './object-store.ts'
import { DamagedPiece, decodePiece, encodePiece } from './piece.ts'

interface Manifest {
  readonly base: BaseFacts
  readonly pieces: number
  readonly entries: readonly TreeEntry[]
}

/** A run of bytes of one file. */
interface Extent {
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

export class BaseArchive {
  private readonly store: ObjectStore
  private readonly prefix: string

  constructor(store: ObjectStore, prefix: string) {
    this.store = store
    this.prefix = prefix
  }

  /** Stores a folder that nobody changes. Complete and durable when this resolves. May run again. */
  async put(base: BaseFacts, folder: string, signal: AbortSignal): Promise<void> {
    const entries: TreeEntry[] = []
    let pieces = 0
    let extents: Extent[] = []
    let held: Buffer[] = []
    let heldBytes = 0
    const flush = async (): Promise<void> => {
      signal.throwIfAborted()
      await this.store.put(this.pieceKey(base.id, pieces++), await encodePiece({ extents }, Buffer.concat(held)))
      extents = []
      held = []
      heldBytes = 0
    }
    for await (const entry of treeEntries(folder)) {
      entries.push(entry)
      if (entry.kind !== 'file') continue
      for (let offset = 0; offset < entry.sizeBytes;) {
        const bytes = await readBytes(
          join(folder, entry.path),
          offset,
          Math.min(BASE_PIECE_BYTES - heldBytes, entry.sizeBytes - offset),
        )
        if (!bytes?.length) throw new Error(`${entry.path} became shorter while it was copied`)
        extents.push({ path: entry.path, offset, bytes: bytes.length })
        held.push(bytes)
        heldBytes += bytes.length
        offset += bytes.length
        if (heldBytes === BASE_PIECE_BYTES || extents.length === EXTENTS_MAX) await flush()
      }
    }
    if (extents.length > 0) await flush()
    const manifest: Manifest = { base, pieces, entries: [] }
    await this.store.put(this.manifestKey(base.id), await encodePiece(manifest, Buffer.from(JSON.stringify(entries))))
  }

  /** Complete ones, in order of their ids. One whose manifest is damaged is left out. */
  async list(): Promise<BaseFacts[]> {
    const found: BaseFacts[] = []
    for await (const { key } of this.store.list(this.root())) {
      if (!key.endsWith('/manifest')) continue
      const manifest = await this.manifest(key.slice(this.root().length, -'/manifest'.length)).catch(ignoreBroken)
      if (manifest) found.push(manifest.base)
    }
    return found
  }

  /** Whether it is complete. */
  async has(id: string): Promise<boolean> {
    return (await readWhole(this.store, this.manifestKey(id))) !== undefined
  }

  /** Of all that something is there of, complete or not. */
  async ids(): Promise<string[]> {
    const ids = new Set<string>()
    for await (const { key } of this.store.list(this.root())) ids.add(key.slice(this.root().length).split('/')[0]!)
    return [...ids]
  }

  /** Makes the folder's content out of a backup. Throws {@link BrokenArchive}, which names what is missing or damaged. */
  async get(id: string, folder: string, to: { account: Account | undefined; signal: AbortSignal }): Promise<void> {
    const { pieces, entries } = await this.manifest(id)
    for (const entry of entries) {
      to.signal.throwIfAborted()
      await makeEntry(folder, entry, to.account)
    }
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < pieces) {
        const number = next++
        to.signal.throwIfAborted()
        const { facts, content } = await this.read(
          this.pieceKey(id, number),
          `piece ${number} of the base backup ${id}`,
        )
        let at = 0
        for (const { path, offset, bytes } of (facts as { extents: Extent[] }).extents) {
          await overwriteBytes(join(folder, path), offset, content.subarray(at, at + bytes))
          at += bytes
        }
      }
    }
    await Promise.all(Array.from({ length: PIECES_AT_ONCE }, worker))
  }

  /** Names of the pieces that a complete backup lacks, by a listing alone. */
  async missingOf(id: string): Promise<string | undefined> {
    const { pieces } = await this.manifest(id)
    const there = new Set<string>()
    for await (const { key } of this.store.list(`${this.root()}${id}/`)) there.add(key)
    for (let number = 0; number < pieces; number++) {
      if (!there.has(this.pieceKey(id, number))) return `piece ${number} of the base backup ${id} is missing`
    }
    return undefined
  }

  /** The manifest goes first: what is half gone must not look complete. */
  async remove(id: string): Promise<void> {
    await this.store.delete([this.manifestKey(id)])
    const keys: string[] = []
    for await (const { key } of this.store.list(`${this.root()}${id}/`)) keys.push(key)
    await this.store.delete(keys)
  }

  private readonly root = (): string => `${this.prefix}/base/`
  private readonly manifestKey = (id: string): string => `${this.root()}${id}/manifest`
  private readonly pieceKey = (id: string, number: number): string =>
    `${this.root()}${id}/${String(number).padStart(6, '0')}`

  private async manifest(id: string): Promise<Manifest> {
    const { facts, content } = await this.read(this.manifestKey(id), `the manifest of the base backup ${id}`)
    return { ...(facts as Manifest), entries: JSON.parse(content.toString()) as TreeEntry[] }
  }

  private async read(key: string, what: string): Promise<{ facts: unknown; content: Buffer }> {
    const bytes = await readWhole(this.store, key)
    if (!bytes) throw new BrokenArchive(`${what} is missing`)
    try {
      return await decodePiece(bytes)
    } catch (error) {
      if (error instanceof DamagedPiece) throw new BrokenArchive(`${what} is damaged: ${error.message}`)
      throw error
    }
  }
}

/** Extents of one piece: their names are facts, which have a limit. */
const EXTENTS_MAX = 5_000

function ignoreBroken(error: unknown): undefined {
  if (error instanceof BrokenArchive) return undefined
  throw error
}
