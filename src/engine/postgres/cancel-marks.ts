/**
 * The engine reports a commit whose wait for a standby was cancelled as a success. A gateway that stands before it has to
 * know beforehand that somebody may have done so: `pg_cancel_backend` leaves a file, named by the process that it means,
 * before it sends the signal. The engine's own function goes on under another name, with the rights of whoever calls it.
 */
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { CANCELLED_FOLDER, GATE, MISSING_FUNCTION } from '#wire/postgres/assurance.ts'
import { quoteName, quoteText, sqlStateOf, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

const ENGINES_OWN = 'rds_cancel_unmarked'
const MARK = 'rds_mark_cancelled'

/** Only what runs: nobody shall fill the folder with files. COPY needs no rights of the caller here, and no transaction. */
const MARK_BODY = `
BEGIN
  IF EXISTS (SELECT 1 FROM pg_stat_get_activity(pid)) THEN
    EXECUTE format('COPY (SELECT) TO %L', current_setting('data_directory') || '/../${CANCELLED_FOLDER}/' || pid);
  END IF;
END `

const CANCEL_BODY = `
BEGIN
  PERFORM pg_catalog.${MARK}(pid);
  RETURN pg_catalog.${ENGINES_OWN}(pid);
END `

/** For everybody: it says nothing but a position, and rights of its own would turn up in the dumps of users. */
const MISSING_BODY = `
SELECT CASE WHEN pg_is_in_recovery() OR current_setting('synchronous_standby_names') = '' THEN NULL ELSE (
  SELECT upto FROM (SELECT coalesce($1, pg_current_wal_flush_lsn()) AS upto) asked
   WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_replication
                      WHERE sync_state IN ('sync', 'quorum') AND flush_lsn >= upto)) END `

const DROPPED_MEANWHILE = '3D000'

/** What is temporary is the caller's, and would be found first if it were not named last. */
const definer = 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp'

/** One transaction, which waits for no standby: there may be none yet. */
const statements = (hasOwnName: boolean): string =>
  [
    'SET LOCAL synchronous_commit = local',
    ...(hasOwnName ? [`ALTER FUNCTION pg_catalog.pg_cancel_backend(integer) RENAME TO ${ENGINES_OWN}`] : []),
    `CREATE OR REPLACE FUNCTION pg_catalog.${MARK}(pid integer) RETURNS void
       LANGUAGE plpgsql STRICT PARALLEL UNSAFE ${definer} AS ${quoteText(MARK_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.pg_cancel_backend(pid integer) RETURNS boolean
       LANGUAGE plpgsql STRICT PARALLEL UNSAFE AS ${quoteText(CANCEL_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.${MISSING_FUNCTION}(pg_lsn DEFAULT NULL) RETURNS pg_lsn
       LANGUAGE sql ${definer} AS ${quoteText(MISSING_BODY)}`,
  ].join('; ')

/**
 * Every database has it afterwards, and so has every one that is made later. May run twice: the database of our own
 * sessions comes last, so that one that has it says that all have.
 */
export async function markCancels(instance: Instance, { replication }: InstanceSpec): Promise<void> {
  if (replication?.role !== 'primary') return
  const databases = await withSession(instance, async (session) => {
    await ensureGate(session, instance.surroundings)
    if (await isMarking(session)) return undefined
    // One with -2 was being dropped when the engine ended; nobody can get in.
    return session.query<{ name: string; open: boolean; own: boolean }>(
      `SELECT datname AS name, datallowconn AS open, datname = current_database() AS own FROM pg_database
        WHERE datconnlimit <> -2
        ORDER BY own, datname LIKE 'template_' DESC`,
    )
  })
  for (const database of databases ?? [])
    await markIn(instance, database).catch((error: unknown) => {
      if (sqlStateOf(error) !== DROPPED_MEANWHILE) throw error
    })
}

async function isMarking({ query }: Session): Promise<boolean> {
  const found = await query<{ name: string; body: string }>(
    `SELECT proname AS name, prosrc AS body FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY($1)`,
    [['pg_cancel_backend', MARK, MISSING_FUNCTION]],
  )
  const bodies = new Map(found.map(({ name, body }) => [name, body]))
  return (
    bodies.get('pg_cancel_backend') === CANCEL_BODY &&
    bodies.get(MARK) === MARK_BODY &&
    bodies.get(MISSING_FUNCTION) === MISSING_BODY
  )
}

async function markIn(instance: Instance, database: { readonly name: string; readonly open: boolean }): Promise<void> {
  const { name } = database
  // Nobody shall be left in template0 by an agent that died here.
  const open = database.open && name !== 'template0'
  const allow = (is: boolean): Promise<unknown> =>
    withSession(instance, ({ query }) =>
      query(`SET synchronous_commit = local; ALTER DATABASE ${quoteName(name)} ALLOW_CONNECTIONS ${is}`),
    )
  if (!open) await allow(true)
  try {
    await withSession(
      instance,
      async ({ query }) => {
        const [own] = await query(
          `SELECT 1 FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = $1`,
          [ENGINES_OWN],
        )
        await query(statements(!own))
      },
      { database: name },
    )
  } finally {
    if (!open) await allow(false)
  }
}

async function ensureGate({ query }: Session, { gatePassword }: Surroundings): Promise<void> {
  const found = await query('SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin', [GATE])
  if (found.length > 0) return
  await query(`SET LOCAL synchronous_commit = local; CREATE ROLE ${GATE} LOGIN PASSWORD ${quoteText(gatePassword)}`)
}
