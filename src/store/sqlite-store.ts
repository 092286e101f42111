/** The embedded store: one SQLite file, which one process at a time has open. */
import type { Clock } from '#host/clock.ts'
import { LocalStore } from './local/local-store.ts'
import { SqliteTable } from './sqlite/sqlite-table.ts'
import type { Store } from './store.ts'

/**
 * Opens the file, or makes it; its folder must exist. A commit is on disk when it resolves. Throws StoreBusyError at
 * once when another process has the file open, and StoreCorruptError when it is not a state file or is damaged.
 */
export function openSqliteStore(path: string, clock: Clock): Store {
  return new LocalStore(SqliteTable.open(path), clock)
}
