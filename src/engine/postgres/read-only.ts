/**
 * An engine whose storage is full. `read-only.conf`, beside the data folder and not in it so that no copy has it, is read
 * after everything else; it is written again by nobody, so the engine stays read-only over restarts and reloads.
 *
 * A session may still ask for a transaction that writes, since somebody has to delete; whoever fills what is left is ended.
 */
import { exists, removeTree, writeFileDurably } from '#host/disk.ts'
import { readOnlyFileOf } from './layout.ts'
import { reloadEngine } from './reload.ts'
import { ADMIN, withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

const READ_ONLY = 'default_transaction_read_only = on\n'

/** Segments of log that a checkpoint leaves over are deleted, where they are kept else for what will be written next. */
const LITTLE_LOG = 'wal_recycle = off\nmin_wal_size = 32MB\nmax_wal_size = 64MB\n'

export const isReadOnly = (folder: string): Promise<boolean> => exists(readOnlyFileOf(folder))

/** Told to the running engine; one that does not run reads it when it starts. */
export async function setReadOnly(instance: Instance, readOnly: 'no' | 'yes' | 'with little log'): Promise<void> {
  const { account } = instance.surroundings
  const path = readOnlyFileOf(instance.folder)
  const text = readOnly === 'yes' ? READ_ONLY : READ_ONLY + LITTLE_LOG
  if (readOnly === 'no') await removeTree(path)
  else await writeFileDurably(path, text, { mode: 0o600, account })
  await reloadEngine(instance)
}

/**
 * Ends the sessions of clients whose transaction has written, and those that keep temporary files: as many as it says.
 * What they did not commit is undone.
 */
export async function endWriters(instance: Instance): Promise<number> {
  const rows = await withSession(instance, ({ query }) => query(END_WRITERS))
  return rows.length
}

// The name of a temporary file begins with the process that it belongs to: PostgreSQL source, OpenTemporaryFileInTablespace.
const END_WRITERS = String.raw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE backend_type IN ('client backend', 'logical replication worker') AND usename IS DISTINCT FROM '${ADMIN}'
    AND (backend_xid IS NOT NULL
      OR pid IN (SELECT (regexp_match(name, '^pgsql_tmp(\d+)\.'))[1]::int FROM pg_ls_tmpdir()))`

/** Makes the engine give back what it keeps of its log only until the next checkpoint. */
export async function reclaimLog(instance: Instance): Promise<void> {
  await withSession(instance, ({ query }) => query('CHECKPOINT'))
}
