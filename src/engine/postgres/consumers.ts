/**
 * Consumers of logical slots: who may be one.
 *
 * The engine asks whoever opens a slot for the attribute REPLICATION, and knows nothing of RDS's role `rds_replication`.
 * So members of that role have the attribute here while the log is written for decoding, and nobody else has it. It
 * permits more than logical slots: whoever uses it for a copy of the whole instance, or to be waited for by commits in a
 * standby's place, is cut off. docs/adr/2026-11-27-logical-slots.md
 */
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { PROBE_STATEMENT_MS_MAX } from '../limits.ts'
import { PEER } from './peer.ts'
import { ADMIN, quoteName, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** The engine started with this spec writes what decoding needs. */
export const isDecodable = ({ settings }: Pick<InstanceSpec, 'settings'>): boolean =>
  settings['wal_level'] === 'logical'

/** Makes the running engine's roles and senders what they should be, which users change all the time. */
export async function tendConsumers(instance: Instance): Promise<void> {
  await withSession(
    instance,
    async ({ query }) => {
      await cutOff(query)
      await admit(query)
    },
    { statementMs: PROBE_STATEMENT_MS_MAX },
  )
}

const OURS: readonly string[] = [ADMIN, PEER]

async function admit(query: Session['query']): Promise<void> {
  const wrong = await query<{ name: string; isAdmitted: boolean }>(WRONGLY_ADMITTED, [OURS])
  for (const { name, isAdmitted } of wrong)
    // One message is one transaction. It need not wait for a standby: what is lost of it is done again.
    await query(
      `SET LOCAL synchronous_commit = local; ALTER ROLE ${quoteName(name)} ${isAdmitted ? 'NOREPLICATION' : 'REPLICATION'}`,
    )
}

/** A standby has its roles from its source. */
const WRONGLY_ADMITTED = `SELECT rolname AS name, rolreplication AS "isAdmitted" FROM pg_roles
  WHERE NOT pg_is_in_recovery() AND NOT rolsuper AND rolname <> ALL ($1::text[])
    AND rolreplication <> (current_setting('wal_level') = 'logical' AND rolcanlogin
                           AND pg_has_role(oid, 'rds_replication', 'member'))`

/**
 * pg_hba.conf closes physical replication to users, but a connection for logical replication takes the same commands. One
 * whose name is that of a standby would be counted as one, also with a logical slot.
 */
const cutOff = (query: Session['query']): Promise<unknown> =>
  query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_replication
      WHERE coalesce(usename, '') <> ALL ($1::text[])
        AND (state = 'backup' OR sync_priority > 0
          OR (state IN ('catchup', 'streaming') AND pid NOT IN (
            SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL)))`,
    [OURS],
  )
