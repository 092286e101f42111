import type { DatabaseSync } from 'node:sqlite'
import { corrupt } from './errors.ts'

/** Marks the file as ours: "HFst" in the header field that SQLite keeps for this. */
const APPLICATION_ID = 0x48_46_73_74
const SCHEMA_VERSION = 1

/** `lease` holds the lease that the key dies with; `meta` has exactly one row. */
const SCHEMA = `
  CREATE TABLE entry (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL,
    mod_revision INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    lease TEXT
  ) STRICT;
  CREATE INDEX leased_entry ON entry (lease) WHERE lease IS NOT NULL;
  CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, generation INTEGER NOT NULL) STRICT;
  INSERT INTO meta VALUES (1, 0, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Makes the tables in an empty file; checks whose they are, and that they are sound, in any other. */
export function prepareSchema(db: DatabaseSync, path: string): void {
  const objects = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!['count']
  const application = db.prepare('PRAGMA application_id').get()!['application_id']
  const version = db.prepare('PRAGMA user_version').get()!['user_version']
  if (objects === 0 && application === 0) {
    db.exec(`BEGIN; ${SCHEMA} COMMIT`)
    return
  }
  if (application !== APPLICATION_ID) throw corrupt(path, 'is an SQLite file, but not a Holdfast state file')
  if (version !== SCHEMA_VERSION) {
    throw corrupt(path, `has state format ${String(version)}, and this version of Holdfast reads ${SCHEMA_VERSION}`)
  }
  const verdict = db.prepare('PRAGMA quick_check(1)').get()!['quick_check']
  if (verdict !== 'ok') throw corrupt(path, `is damaged (${String(verdict).replaceAll('\n', ' ')})`)
}
