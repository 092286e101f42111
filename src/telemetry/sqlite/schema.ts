import type { DatabaseSync } from 'node:sqlite'

/** "HFmt" in the header field that SQLite keeps for telling files apart. */
const APPLICATION_ID = 0x48_46_6d_74
const SCHEMA_VERSION = 1

/**
 * Points lie in the order in which they are read, beside each other. SQLite stores a whole number that a column of
 * numbers holds in as few bytes as it needs, so most points take some 25.
 */
const SCHEMA = `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    last_minute INTEGER NOT NULL,
    UNIQUE (account, region, namespace, name, dimensions)
  ) STRICT;
  CREATE TABLE point (
    series INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sum REAL NOT NULL,
    min REAL NOT NULL,
    max REAL NOT NULL,
    PRIMARY KEY (series, minute)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Makes the tables in an empty file. Throws for a file that is another's, of another version, or damaged. */
export function prepareSchema(db: DatabaseSync): void {
  const valueOf = (sql: string): unknown => Object.values(db.prepare(sql).get()!)[0]
  if (valueOf('SELECT count(*) FROM sqlite_schema') === 0) {
    db.exec(`BEGIN; ${SCHEMA} COMMIT`)
    return
  }
  if (valueOf('PRAGMA application_id') !== APPLICATION_ID) throw new Error('it is not a file of metrics')
  if (valueOf('PRAGMA user_version') !== SCHEMA_VERSION) throw new Error('it has another format')
}
