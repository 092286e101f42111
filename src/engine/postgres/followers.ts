/** What an engine does for those that stream from it. */
import { EngineError } from '../engine.ts'
import { SLOT_LOOK_MS, SLOT_LOOKS_MAX, SYNCHRONOUS_LOOK_MS } from '../limits.ts'
import type { Clock } from '#host/clock.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { markCancels } from './cancel-marks.ts'
import { keepsSlots, letStandbyAsk } from './kept-slots.ts'
import { PEER, SLOT_PREFIX, peerPassword, slotOf } from './peer.ts'
import { quoteText, sqlStateOf, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** Makes the role and the slots that followers need; drops slots of those that are followers no more. May run twice. */
export async function admitFollowers(instance: Instance, spec: InstanceSpec): Promise<void> {
  const { replication } = spec
  if (!replication) return
  await withSession(instance, async (session) => {
    const [{ standby } = { standby: true }] = await session.query<{ standby: boolean }>(
      'SELECT pg_is_in_recovery() AS standby',
    )
    // A standby has the role from its source.
    if (!standby) await ensureRole(session, instance.surroundings)
    if (!standby && keepsSlots(spec)) await letStandbyAsk(session)
    await ensureSlots(session, replication.followers.map(slotOf), instance.surroundings.clock)
  })
  if (replication.role === 'primary') await markCancels(instance)
}

/** The role as which followers stream. */
export async function ensureRole({ query }: Session, surroundings: Surroundings): Promise<void> {
  const found = await query(`SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolreplication AND rolcanlogin`, [PEER])
  if (found.length > 0) return
  await query(`CREATE ROLE ${PEER} LOGIN REPLICATION PASSWORD ${quoteText(peerPassword(surroundings))}`)
}

async function ensureSlots({ query }: Session, wanted: readonly string[], clock: Clock): Promise<void> {
  const slots = await query<{ name: string; lost: boolean }>(
    `SELECT slot_name AS name, to_jsonb(s) ->> 'wal_status' IS NOT DISTINCT FROM 'lost' AS lost
       FROM pg_replication_slots s WHERE slot_type = 'physical' AND slot_name LIKE $1`,
    [`${SLOT_PREFIX.replaceAll('_', '\\_')}%`],
  )
  for (const { name, lost } of slots) if (lost || !wanted.includes(name)) await dropSlot(query, name, clock)
  const kept = new Set(slots.filter(({ lost }) => !lost).map(({ name }) => name))
  for (const name of wanted)
    if (!kept.has(name)) await query('SELECT pg_create_physical_replication_slot($1, true)', [name])
}

/**
 * Whoever has the slot ends a moment after it was told to, and a follower that is refused has it again twice a second,
 * for a moment. One that is not to be had at all is left to the next time.
 */
async function dropSlot(query: Session['query'], name: string, clock: Clock): Promise<void> {
  for (let looks = 0; looks < SLOT_LOOKS_MAX; looks++) {
    try {
      await query(
        'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL',
        [name],
      )
      await query('SELECT pg_drop_replication_slot($1)', [name])
      return
    } catch (error) {
      const state = sqlStateOf(error)
      if (state === UNDEFINED_OBJECT) return
      if (state !== OBJECT_IN_USE) throw error
    }
    await clock.sleep(SLOT_LOOK_MS)
  }
}

// PostgreSQL manual, appendix A.
const UNDEFINED_OBJECT = '42704'
const OBJECT_IN_USE = '55006'

/**
 * Sessions that have read the new configuration show a synchronous standby, but commits wait only once the checkpointer
 * has read it too: a checkpoint that was asked for after that begins behind it. What was acknowledged until then is in
 * the log before the position that is read next; when a synchronous standby has flushed that, nothing is missing there.
 */
export async function awaitSynchronous(instance: Instance, signal: AbortSignal): Promise<void> {
  const { clock } = instance.surroundings
  const until = async (session: Session, condition: string, values: readonly unknown[] = []): Promise<void> => {
    for (;;) {
      const sql = `SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND ${condition}`
      if ((await session.query(sql, values)).length > 0) return
      signal.throwIfAborted()
      await clock.sleep(SYNCHRONOUS_LOOK_MS, signal)
    }
  }
  await withSession(instance, async (session) => {
    await until(session, `state = 'streaming'`)
    await session.query('CHECKPOINT')
    const [row] = await session.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    if (!row) throw new EngineError('failed', 'the engine does not say where its log ends')
    await until(session, 'flush_lsn >= $1::pg_lsn', [row.lsn])
  })
}
