/**
 * Keeps a folder to one process. The lock is the kernel's, on a file that SQLite locks for us: Node has no call for it. It
 * ends with the process, however that ends, and a file that was left behind locks nothing. A pid in a file would do
 * neither: between finding that its process is gone and taking its place, two may come.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const NAME = '.lock'

/** SQLite: somebody has the lock. Source: sqlite.org/rescode.html. */
const BUSY = 5

export interface FolderLock {
  /** May be called again. */
  release(): void
}

/** Undefined: somebody has it, in this process or another. The folder must exist. */
export function lockFolder(folder: string): FolderLock | undefined {
  // Nobody else in this process may open the file: POSIX locks of a process go when it closes any descriptor of theirs.
  const db = new DatabaseSync(join(folder, NAME), { timeout: 0 })
  try {
    // Nothing is ever written: the file stays empty, and needs no journal beside it.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return undefined
    throw error
  }
  return { release: () => db.isOpen && db.close() }
}
