/**
 * Extensions that the master user may create, although he is no superuser: in our copy of the engine their control
 * files say `trusted`, which PostgreSQL 13 brought. Those of RDS that contrib has; not those that reach the host's
 * files or run code outside the database (adminpack, file_fdw, untrusted languages), nor those for its internals.
 */
import { join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { namesIn, readText, writeFileDurably } from '#host/disk.ts'

const allowed: ReadonlySet<string> = new Set([
  'amcheck',
  'autoinc',
  'bloom',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'dblink',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'insert_username',
  'intagg',
  'intarray',
  'isn',
  'lo',
  'ltree',
  'moddatetime',
  'pg_buffercache',
  'pg_freespacemap',
  'pg_prewarm',
  'pg_stat_statements',
  'pg_trgm',
  'pg_visibility',
  'pgcrypto',
  'pgrowlocks',
  'pgstattuple',
  'plpgsql',
  'postgres_fdw',
  'refint',
  'seg',
  'sslinfo',
  'tablefunc',
  'tcn',
  'tsm_system_rows',
  'tsm_system_time',
  'unaccent',
  'uuid-ossp',
])

/** What belongs to a superuser in these extensions and RDS gives to rds_superuser. */
const wrappers: Readonly<Record<string, string>> = { dblink: 'dblink_fdw', postgres_fdw: 'postgres_fdw' }
const functions: Readonly<Record<string, readonly string[]>> = {
  amcheck: ['bt_index_check', 'bt_index_parent_check', 'gin_index_check', 'verify_heapam'],
  pg_stat_statements: ['pg_stat_statements_reset'],
}

/** `extensions` is the folder `share/extension` of our copy. Run once, before the copy is put in place. */
export async function trustExtensions(extensions: string, version: string): Promise<void> {
  if (majorOf(version) < 13) return
  for (const file of await namesIn(extensions)) {
    const path = join(extensions, file)
    const control = /^(.+)\.control$/.exec(file)?.[1]
    if (control !== undefined && allowed.has(control)) await edit(path, trusted)
    const script = /^(.+?)--.*\.sql$/.exec(file)?.[1]
    const grants = script === undefined ? '' : grantsOf(script, file)
    if (grants !== '') await edit(path, (text) => `${text}\n${grants}\n`)
  }
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFileDurably(path, change((await readText(path)) ?? ''), { mode: 0o644 })
}

function trusted(control: string): string {
  const others = control.split('\n').filter((line) => !/^\s*trusted\s*=/.test(line))
  return `${others.join('\n').trimEnd()}\ntrusted = true\n`
}

/** Appended to the extension's scripts, which run as a superuser. Empty for most. */
function grantsOf(extension: string, file: string): string {
  const wrapper = wrappers[extension]
  // Only scripts that begin at nothing make the wrapper.
  if (wrapper !== undefined && !/--.*--/.test(file)) {
    return `GRANT USAGE ON FOREIGN DATA WRAPPER ${wrapper} TO rds_superuser WITH GRANT OPTION;`
  }
  const names = functions[extension]
  return names === undefined ? '' : functionGrants(extension, names)
}

/**
 * Signatures differ by version, and updates bring new ones. Operators are spelled in full: the script runs with a
 * schema of the user in its search path.
 */
function functionGrants(extension: string, names: readonly string[]): string {
  const list = names.map((name) => `'${name}'::pg_catalog.name`).join(', ')
  return `DO $rds$
DECLARE signature pg_catalog.regprocedure;
BEGIN
  FOR signature IN
    SELECT p.oid FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
      JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid
    WHERE e.extname OPERATOR(pg_catalog.=) '${extension}'::pg_catalog.name
      AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
      AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
      AND p.proname OPERATOR(pg_catalog.=) ANY (ARRAY[${list}])
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO rds_superuser WITH GRANT OPTION', signature);
  END LOOP;
END $rds$;`
}
