/**
 * What clients that know Aurora ask an instance of a cluster by SQL. It is made in the seed of a volume, so every instance
 * has it, readers too; what differs between instances, and changes, is in its configuration and in a file beside PGDATA.
 */
// AWS: Aurora PostgreSQL functions reference, aurora_version, aurora_db_instance_identifier, aurora_replica_status,
// aurora_global_db_status, aurora_global_db_instance_status.
import { join } from 'node:path'
import { removeTree, writeFileDurably } from '#host/disk.ts'
import type { ToldOfCluster } from '#wire/agent/volume.ts'
import { inEveryDatabase } from './every-database.ts'
import { attachmentOf, dataOf } from './layout.ts'
import { quoteText, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** In the instance's configuration. */
export const IDENTIFIER_SETTING = 'rds.db_instance_identifier'

const REPLICAS_FILE = 'replicas.json'

/** Only where the cluster belongs to a global database. */
const GLOBAL_FILE = 'global.json'

/** Clients take an engine for Aurora's by this one among the extensions that it names. */
const AURORA = 'aurora_stat_utils'

const VERSION_BODY = `SELECT split_part(current_setting('server_version'), ' ', 1) || '.0'`

const IDENTIFIER_BODY = `SELECT current_setting('${IDENTIFIER_SETTING}', true)`

/** What there is in a file beside PGDATA, or this where there is none. */
const readFile = (name: string, otherwise: string): string =>
  `coalesce(pg_read_file(current_setting('data_directory') || '/../attachment/${name}', 0, 1000000, true), '${otherwise}')::jsonb`

/** Of this instance: what it has received, and what it shows. */
const OWN_POSITION = `
  IF is_reader THEN
    shows := coalesce(pg_last_wal_replay_lsn(), '0/0');
    has := greatest(pg_last_wal_receive_lsn(), shows);
  ELSE
    has := pg_current_wal_flush_lsn();
    shows := (SELECT max(flush_lsn) FROM pg_stat_replication WHERE sync_state = 'sync');
  END IF;`

/**
 * Of this instance: what is so now. Of the others: what was last heard of them, and when. Who asks a writer is told of no
 * other writer: it was one before. One that was the writer and has not heard yet who is now says nothing at all: without
 * a writer in the answer drivers go by what they knew before, which is this instance. They take 57P03 for one that is not there yet.
 */
const STATUS_BODY = `
DECLARE
  own text := current_setting('${IDENTIFIER_SETTING}', true);
  is_reader boolean := pg_is_in_recovery();
  told jsonb := ${readFile(REPLICAS_FILE, '[]')};
  has pg_lsn; shows pg_lsn;
BEGIN
  IF is_reader AND told @> jsonb_build_array(jsonb_build_object('serverId', own, 'isWriter', true)) THEN
    RAISE EXCEPTION 'this instance does not know yet which one is the writer now' USING ERRCODE = 'cannot_connect_now';
  END IF;
${OWN_POSITION}
  RETURN QUERY
  SELECT r."serverId",
         CASE WHEN r."serverId" = own THEN CASE WHEN is_reader THEN r."sessionId" ELSE 'MASTER_SESSION_ID' END
              WHEN r."isWriter" AND is_reader THEN 'MASTER_SESSION_ID' ELSE r."sessionId" END,
         CASE WHEN r."serverId" = own THEN (shows - '0/0')::bigint END,
         CASE WHEN r."serverId" = own THEN (has - '0/0')::bigint END,
         CASE WHEN r."serverId" = own THEN (shows - '0/0')::bigint END,
         NULL::bigint, NULL::integer, NULL::boolean, NULL::integer, NULL::timestamptz,
         CASE WHEN r."serverId" <> own THEN to_timestamp(r."seenAt" / 1000) END,
         NULL::bigint, NULL::bigint,
         CASE WHEN r."isWriter" THEN NULL ELSE r."lagMs" END,
         NULL::float8, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::integer, NULL::integer,
         r."cpuPercent"
    FROM jsonb_to_recordset(
           CASE WHEN told @> jsonb_build_array(jsonb_build_object('serverId', own)) THEN told
                ELSE told || jsonb_build_object('serverId', own, 'sessionId', md5(own)::uuid::text) END)
      AS r("serverId" text, "isWriter" boolean, "sessionId" text, "lagMs" float8, "cpuPercent" float8, "seenAt" float8);
END `

const STATUS_COLUMNS = `server_id text, session_id text, durable_lsn bigint, highest_lsn_rcvd bigint,
  current_read_lsn bigint, cur_replay_latency_in_usec bigint, active_txns integer, is_current boolean,
  last_transport_error integer, last_error_timestamp timestamptz, last_update_timestamp timestamptz,
  feedback_xmin bigint, feedback_epoch bigint, replica_lag_in_msec float8, log_stream_speed_in_kib_per_second float8,
  log_buffer_sequence_number bigint, oldest_read_view_trx_id bigint, oldest_read_view_lsn bigint,
  pending_read_ios bigint, read_ios integer, iops integer, cpu float8`

/**
 * A copy's transactions that are needed have their epoch above 32 bits; of a primary, which needs nobody's leave, AWS says 0.
 * What was last heard is said as long as nothing else is: the time beside it tells how old it is.
 */
const GLOBAL_STATUS_BODY = `
  SELECT c.region, c."end",
         CASE WHEN c."isPrimary" THEN -1 ELSE round(c."lagMs")::bigint END,
         CASE WHEN c."isPrimary" THEN -1 ELSE round(c."behindMs")::bigint END,
         CASE WHEN c."isPrimary" THEN to_timestamp(0) ELSE to_timestamp(c."seenAt" / 1000) END,
         CASE WHEN c."isPrimary" THEN 0 ELSE c.xmin >> 32 END,
         CASE WHEN c."isPrimary" THEN 0 ELSE c.xmin & 4294967295 END
    FROM jsonb_to_recordset(${readFile(GLOBAL_FILE, '{}')} -> 'clusters')
      AS c(region text, "isPrimary" boolean, "end" bigint, "lagMs" float8, "behindMs" float8, xmin bigint, "seenAt" float8)`

const GLOBAL_STATUS_COLUMNS = `aws_region text, highest_lsn_written bigint, durability_lag_in_msec bigint,
  rpo_lag_in_msec bigint, last_lag_calculation_time timestamptz, feedback_epoch bigint, feedback_xmin bigint`

/** As {@link STATUS_BODY}, of all instances of the global database. */
const GLOBAL_INSTANCES_BODY = `
DECLARE
  own text := current_setting('${IDENTIFIER_SETTING}', true);
  is_reader boolean := pg_is_in_recovery();
  told jsonb := ${readFile(GLOBAL_FILE, '{}')};
  ours text := told ->> 'region';
  has pg_lsn; shows pg_lsn;
BEGIN
  IF is_reader AND told -> 'instances' @> jsonb_build_array(
       jsonb_build_object('serverId', own, 'region', ours, 'isWriter', true)) THEN
    RAISE EXCEPTION 'this instance does not know yet which one is the writer now' USING ERRCODE = 'cannot_connect_now';
  END IF;
${OWN_POSITION}
  RETURN QUERY
  SELECT i."serverId",
         CASE WHEN i."isOwn" THEN CASE WHEN is_reader THEN i."sessionId" ELSE 'MASTER_SESSION_ID' END
              WHEN i."isWriter" AND is_reader THEN 'MASTER_SESSION_ID' ELSE i."sessionId" END,
         i.region,
         CASE WHEN i."isOwn" THEN greatest((shows - '0/0')::bigint, i.durable) ELSE i.durable END,
         CASE WHEN i."isOwn" AND is_reader THEN (has - '0/0')::bigint ELSE i.received END,
         NULL::bigint, NULL::bigint, NULL::bigint, round(i."lagMs")::bigint
    FROM (SELECT r.*, r."serverId" = own AND r.region = ours AS "isOwn"
            FROM jsonb_to_recordset(told -> 'instances')
              AS r("serverId" text, "isWriter" boolean, "sessionId" text, region text, durable bigint, received bigint,
                   "lagMs" float8)) i;
END `

const GLOBAL_INSTANCES_COLUMNS = `server_id text, session_id text, aws_region text, durable_lsn bigint,
  highest_lsn_rcvd bigint, feedback_epoch bigint, feedback_xmin bigint, oldest_read_view_lsn bigint,
  visibility_lag_in_msec bigint`

/**
 * The engine leaves settings of extensions that are not loaded out of pg_settings, where clients look for this one. The
 * view's columns stay the same, and so do its rules.
 */
const settingsView = (extensions: string): string => `
CREATE OR REPLACE VIEW pg_catalog.pg_settings AS
  SELECT * FROM pg_show_all_settings() a UNION ALL
  SELECT 'rds.extensions', ${quoteText(extensions)}, NULL, 'Customized Options', 'Extensions that can be created here.', NULL,
         'internal', 'string', 'default', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false`

/** What is temporary is the caller's, and would be found first if it were not named last. */
const DEFINER = 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp'

const statements = (extensions: string): string =>
  [
    'SET LOCAL allow_system_table_mods = on',
    `CREATE OR REPLACE FUNCTION pg_catalog.aurora_version() RETURNS text LANGUAGE sql STABLE AS ${quoteText(VERSION_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.aurora_db_instance_identifier() RETURNS text
       LANGUAGE sql STABLE AS ${quoteText(IDENTIFIER_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.aurora_replica_status() RETURNS TABLE (${STATUS_COLUMNS})
       LANGUAGE plpgsql ${DEFINER} AS ${quoteText(STATUS_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.aurora_global_db_status() RETURNS TABLE (${GLOBAL_STATUS_COLUMNS})
       LANGUAGE sql ${DEFINER} AS ${quoteText(GLOBAL_STATUS_BODY)}`,
    `CREATE OR REPLACE FUNCTION pg_catalog.aurora_global_db_instance_status() RETURNS TABLE (${GLOBAL_INSTANCES_COLUMNS})
       LANGUAGE plpgsql ${DEFINER} AS ${quoteText(GLOBAL_INSTANCES_BODY)}`,
    settingsView(extensions),
  ].join('; ')

/** All databases have it afterwards, and those that are made later. Gives the line of configuration that belongs to it. */
export async function teachAurora(instance: Instance): Promise<string> {
  const [row] = await withSession(instance, ({ query }) =>
    query<{ names: string | null }>(
      `SELECT string_agg(DISTINCT name, ', ') AS names FROM pg_available_extension_versions v
        WHERE (to_jsonb(v) ->> 'trusted')::boolean`,
    ),
  )
  const extensions = [AURORA, ...(row?.names ? [row.names] : [])].join(', ')
  await inEveryDatabase(instance, ({ query }: Session) => query(statements(extensions)).then(() => {}))
  return `rds.extensions = ${quoteText(extensions)}\n`
}

/** What the instance answers of its cluster from now on. */
export async function tellReplicas({ folder, surroundings }: Instance, told: ToldOfCluster): Promise<void> {
  const own = { mode: 0o600, account: surroundings.account }
  const at = (name: string): string => join(attachmentOf(folder), name)
  await writeFileDurably(at(REPLICAS_FILE), JSON.stringify(told.replicas), own)
  if (told.global) await writeFileDurably(at(GLOBAL_FILE), JSON.stringify(told.global), own)
  else await removeTree(at(GLOBAL_FILE))
}

/** Read by the engine after postgresql.conf. */
export const automaticSettingsOf = (folder: string): string => join(dataOf(folder), 'postgresql.auto.conf')
