import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { assert } from '#base/assert.ts'
import { FILE_BYTES_MAX } from '../limits.ts'
import type { LeaseId, Revision } from '../store.ts'
import { prefixEnd } from '../local/keys.ts'
import type { Row, RowChange, Scan, Table } from '../local/table.ts'
import { translate } from './errors.ts'
import { prepareSchema } from './schema.ts'

const PAGE_BYTES = 4_096

const COLUMNS = 'key, value, mod_revision, create_revision, lease'

/**
 * Entries in an SQLite file, in write-ahead mode with a sync at every commit. The lock is taken once and kept: another
 * process is refused at the door, and no commit waits for a lock.
 */
export class SqliteTable implements Table {
  readonly durable = true
  readonly generation: number
  revision: Revision
  private readonly db: DatabaseSync
  private readonly path: string
  private readonly statements: ReturnType<typeof prepare>

  /** `bytesMax` bounds the file; a commit that would pass it fails as on a full disk. */
  static open(path: string, bytesMax: number = FILE_BYTES_MAX): SqliteTable {
    // Made here and not by SQLite, because the state is nobody else's to read. SQLite's other files take its mode.
    closeSync(openSync(path, 'a', 0o600))
    const db = new DatabaseSync(path, { timeout: 0 })
    try {
      // Exclusive before write-ahead mode: in this order SQLite needs no shared-memory file.
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      db.exec(`PRAGMA max_page_count = ${Math.floor(bytesMax / PAGE_BYTES)}`)
      // Takes the lock now; without it the first write would.
      db.exec('BEGIN IMMEDIATE; COMMIT')
      prepareSchema(db, path)
      return new SqliteTable(db, path)
    } catch (error) {
      db.close()
      throw translate(error, path, 'open the state')
    }
  }

  private constructor(db: DatabaseSync, path: string) {
    this.db = db
    this.path = path
    this.statements = prepare(db)
    const meta = db.prepare('UPDATE meta SET generation = generation + 1 RETURNING revision, generation').get()!
    this.revision = meta['revision'] as number
    this.generation = meta['generation'] as number
  }

  get(key: string): Row | undefined {
    return this.guard('read the state', () => {
      const found = this.statements.get.get(key)
      return found && rowOf(found)
    })
  }

  scan({ prefix, after, limit }: Scan): Row[] {
    // SQLite takes a negative limit as none.
    const limits = [after ?? '', limit ?? -1] as const
    const end = prefixEnd(prefix)
    return this.guard('read the state', () => {
      const { scan, scanToEnd } = this.statements
      const found = end === undefined ? scanToEnd.all(prefix, ...limits) : scan.all(prefix, end, ...limits)
      return found.map(rowOf)
    })
  }

  leasedKeys(): string[] {
    return this.statements.leased.all().map((found) => found['key'] as string)
  }

  write(revision: Revision, changes: readonly RowChange[]): void {
    assert(revision === this.revision + 1, 'revisions have no gap')
    this.guard('write the state', () => {
      this.statements.begin.run()
      try {
        for (const { key, row } of changes) this.writeRow(key, row)
        this.statements.setRevision.run(revision)
        this.statements.commit.run()
      } catch (error) {
        // On some errors, a full disk among them, SQLite has rolled back already.
        if (this.db.isTransaction) this.statements.rollback.run()
        throw error
      }
    })
    this.revision = revision
  }

  close(): void {
    this.db.close()
  }

  private writeRow(key: string, row: Row | undefined): void {
    if (row) this.statements.put.run(key, row.value, row.modRevision, row.createRevision, row.lease ?? null)
    else this.statements.remove.run(key)
  }

  private guard<R>(work: string, run: () => R): R {
    try {
      return run()
    } catch (error) {
      throw translate(error, this.path, work)
    }
  }
}

function prepare(
  db: DatabaseSync,
): Record<
  'begin' | 'commit' | 'rollback' | 'get' | 'scan' | 'scanToEnd' | 'leased' | 'put' | 'remove' | 'setRevision',
  StatementSync
> {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    get: db.prepare(`SELECT ${COLUMNS} FROM entry WHERE key = ?`),
    scan: db.prepare(`SELECT ${COLUMNS} FROM entry WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?`),
    scanToEnd: db.prepare(`SELECT ${COLUMNS} FROM entry WHERE key >= ? AND key > ? ORDER BY key LIMIT ?`),
    leased: db.prepare('SELECT key FROM entry WHERE lease IS NOT NULL'),
    put: db.prepare(
      `INSERT INTO entry (${COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value,
       mod_revision = excluded.mod_revision, create_revision = excluded.create_revision, lease = excluded.lease`,
    ),
    remove: db.prepare('DELETE FROM entry WHERE key = ?'),
    setRevision: db.prepare('UPDATE meta SET revision = ?'),
  }
}

function rowOf(found: Record<string, SQLOutputValue>): Row {
  return {
    key: found['key'] as string,
    value: found['value'] as string,
    modRevision: found['mod_revision'] as number,
    createRevision: found['create_revision'] as number,
    lease: (found['lease'] ?? undefined) as LeaseId | undefined,
  }
}
