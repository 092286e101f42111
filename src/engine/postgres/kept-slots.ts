/**
 * Logical slots of users over a failover. From 17 on the engine copies those that were made with `failover` to the standby
 * of a Multi-AZ instance, and shows their consumers nothing that the standby does not have yet. Others end with
 * their primary: none of them is ever left where it could be taken for one that goes on.
 */
// PostgreSQL 18 manual, 47.2.3 (replication slot synchronization) and 26.2.7 (logical replication failover).
import { join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { namesIn, readBytes, removeTree } from '#host/disk.ts'
import { identityOf, signal } from '#host/process.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { isDecodable } from './consumers.ts'
import { dataOf } from './layout.ts'
import { PEER, slotOf } from './peer.ts'
import type { Session } from './sql.ts'

type Keeping = Pick<InstanceSpec, 'settings' | 'version' | 'replication'>

/** Whether slots that ask for it are on both copies of the instance, of which this is one. */
export function keepsSlots({ settings, version, replication }: Keeping): boolean {
  if (majorOf(version) < 17 || !isDecodable({ settings }) || !replication) return false
  return replication.role === 'primary' ? replication.standbyKeepsSlots === true : !replication.readable
}

/** In which the standby asks for slots: the one that every instance has, unless its users drop it. */
export const SLOTS_DATABASE = 'postgres'

export function slotSettings(spec: Keeping): Readonly<Record<string, string>> {
  const { replication } = spec
  if (!replication || !keepsSlots(spec)) return {}
  if (replication.role === 'standby') return { sync_replication_slots: 'on', hot_standby_feedback: 'on' }
  // Together with commits: a standby that these do not wait for any more would hold up consumers for ever.
  return { synchronized_standby_slots: replication.synchronous.map(slotOf).join(', ') }
}

/** Users may keep others out of their databases; the standby asks in one of them. */
export async function letStandbyAsk({ query }: Session): Promise<void> {
  const closed = await query(
    `SELECT 1 FROM pg_database WHERE datname = $1 AND NOT has_database_privilege($2, oid, 'CONNECT')`,
    [SLOTS_DATABASE, PEER],
  )
  if (closed.length === 0) return
  // Without waiting for the standby, which may be away.
  await query(`SET LOCAL synchronous_commit = local; GRANT CONNECT ON DATABASE ${SLOTS_DATABASE} TO ${PEER}`)
}

/**
 * Lets the standby have a slot within seconds, where it could take half a minute. By itself the process that asks for slots
 * sleeps longer and longer while it finds nothing new. And it takes a slot only once its consumer has come to a point which the
 * standby could begin from, of which the primary writes one every 15 seconds.
 */
export async function hastenCopies({ query }: Session): Promise<void> {
  const askers = await query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'slotsync worker'`)
  for (const { pid } of askers) {
    const asker = identityOf(pid)
    // It reads its configuration again, and goes on at once.
    if (asker) signal(asker, 'SIGHUP')
  }
  await query(LOG_A_POINT, [PEER])
}

/** Only in the first minute of a standby: an idle engine would go on writing log for ever. */
const LOG_A_POINT = `SELECT pg_log_standby_snapshot() WHERE NOT pg_is_in_recovery()
  AND EXISTS (SELECT FROM pg_replication_slots WHERE failover)
  AND EXISTS (SELECT FROM pg_stat_replication WHERE usename = $1 AND clock_timestamp() - backend_start < '1 minute')`

const slotsOf = (folder: string): string => join(dataOf(folder), 'pg_replslot')

/** An old primary that is to follow: what its consumers read was on a way that has ended. Its engine does not run. */
export async function dropAllSlots(folder: string): Promise<void> {
  for (const name of await namesIn(slotsOf(folder))) await removeTree(join(slotsOf(folder), name))
}

/**
 * Of a standby that is to keep none: it would not start with one where decoding was switched off, which its primary's
 * users had to drop theirs for. Its engine does not run.
 */
export async function dropUnkeptSlots(folder: string, spec: Keeping): Promise<void> {
  const { replication } = spec
  if (replication?.role !== 'standby' || replication.readable || keepsSlots(spec)) return
  for (const name of await namesIn(slotsOf(folder)))
    if (await isLogical(join(slotsOf(folder), name, 'state'))) await removeTree(join(slotsOf(folder), name))
}

/** Behind a header of 16 bytes and the name, of 64: the database of a logical slot; 0 of a physical one. Source: slot.c. */
const DATABASE_AT = 80

async function isLogical(path: string): Promise<boolean> {
  const database = await readBytes(path, DATABASE_AT, 4)
  return database?.length === 4 && database.readUInt32LE(0) !== 0
}
