/**
 * The engine reports a commit whose wait for a standby was cancelled as a success. A gateway that stands before it has to
 * know beforehand that somebody may have done so: `pg_cancel_backend` leaves a file, named by the process that it means,
 * before it sends the signal. The engine's own function goes on under another name, with the rights of whoever calls it.
 */
import { CANCELLED_FOLDER, GATE, MISSING_FUNCTION } from '#wire/postgres/assurance.ts'
import { inEveryDatabase } from './every-database.ts'
import { quoteText, withSession } from './sql.ts'
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

/** Every database has it afterwards, and so has every one that is made later. May run twice. */
export async function markCancels(instance: Instance): Promise<void> {
  const isDone = await withSession(instance, async (session) => {
    await ensureGate(session, instance.surroundings)
    return isMarking(session)
  })
  // The database of our own sessions comes last, so that one that has it says that all have.
  if (!isDone) await inEveryDatabase(instance, markIn)
}

async function markIn({ query }: Session): Promise<void> {
  const [own] = await query(`SELECT 1 FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = $1`, [
    ENGINES_OWN,
  ])
  await query(statements(!own))
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

async function ensureGate({ query }: Session, { gatePassword }: Surroundings): Promise<void> {
  const found = await query('SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin', [GATE])
  if (found.length > 0) return
  await query(`SET LOCAL synchronous_commit = local; CREATE ROLE ${GATE} LOGIN PASSWORD ${quoteText(gatePassword)}`)
}
