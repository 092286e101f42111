/** A standby: made from a copy of its source, promoted to take its place, and what both say of replication. */
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { emptyFolder, removeTree } from '#host/disk.ts'
import { moveTree } from '#host/tree.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { LogPosition, ObservedReplication, ObservedStandby } from '#wire/agent/replication.ts'
import { EngineError } from '../engine.ts'
import { PROBE_STATEMENT_MS_MAX, PROMOTION_S_MAX, SEALED_LOOK_MS } from '../limits.ts'
import { answers } from './answers.ts'
import { dataOf } from './layout.ts'
import { lacksRoom, obstacleInLog } from './obstacle.ts'
import { HAS_ALL, RECEIVES } from './receiving.ts'
import { reloadEngine } from './reload.ts'
import { isStandby, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/**
 * The copy is moved, and copied again only to another file system. It stays the same cluster: the identity of its source
 * is its own.
 */
export async function fillFromSeed(
  seedFolder: string,
  { folder, surroundings: { account } }: Instance,
  signal: AbortSignal,
): Promise<void> {
  await emptyFolder(folder, { mode: 0o700, account })
  await moveTree(dataOf(seedFolder), dataOf(folder), { account, signal })
  // Tells of whom the source let stream; this one has followers of its own.
  await removeTree(join(dataOf(folder), 'recovery.signal'))
}

/** The engine's configuration is that of the primary already. It takes writes when this resolves, on a new timeline. */
export async function promoteStandby(instance: Instance): Promise<number> {
  const timeline = await withSession(instance, async (session) => {
    if (await isStandby(session)) {
      const [row] = await session.query<{ done: boolean }>(`SELECT pg_promote(true, ${PROMOTION_S_MAX}) AS done`)
      if (!row?.done) throw new EngineError('failed', 'the standby was not promoted in time')
    }
    return timelineOf(session)
  })
  await reloadEngine(instance)
  return timeline
}

/** Of a primary: which it writes. */
export async function timelineOf({ query }: Session): Promise<number> {
  const [row] = await query<{ file: string }>('SELECT pg_walfile_name(pg_current_wal_lsn()) AS file')
  assert(row, 'a primary has a current WAL segment')
  return Number.parseInt(row.file.slice(0, 8), 16)
}

/** Undefined when the engine cannot be asked. */
export async function observeReplication(
  instance: Instance,
  { replication }: InstanceSpec,
): Promise<ObservedReplication | undefined> {
  if (!replication) return undefined
  try {
    if (replication.role === 'primary') return await withSession(instance, observePrimary, BRIEF)
    const [seen, sourceAnswers] = await Promise.all([
      withSession(instance, (session) => observeStandby(instance.folder, session), BRIEF),
      answers(replication.source),
    ])
    return { role: 'standby', ...seen, sourceAnswers }
  } catch {
    return undefined
  }
}

const BRIEF = { statementMs: PROBE_STATEMENT_MS_MAX }

async function observePrimary(session: Session): Promise<ObservedReplication | undefined> {
  if (await isStandby(session)) return undefined
  const timeline = await timelineOf(session)
  const followers = await session.query<{ name: string; state: string; isSynchronous: boolean }>(
    `SELECT application_name AS name, state, sync_state IN ('sync', 'quorum') AS "isSynchronous"
       FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid AND s.slot_type = 'physical'
      WHERE s.slot_name = 'holdfast_' || application_name ORDER BY 1`,
  )
  return { role: 'primary', timeline, followers }
}

type Following = Pick<ObservedStandby, 'isStreaming' | 'obstacle'>

async function observeStandby(folder: string, session: Session): Promise<Following> {
  // Somebody else has promoted it.
  if (!(await isStandby(session))) return { isStreaming: false, obstacle: 'diverged' }
  const isStreaming = await receives(session)
  const obstacle = (await lacksRoom(folder, session))
    ? 'settings'
    : isStreaming
      ? undefined
      : await obstacleInLog(folder)
  return { isStreaming, ...(obstacle && { obstacle }) }
}

const receives = async ({ query }: Session): Promise<boolean> =>
  (await query(`SELECT 1 FROM pg_stat_wal_receiver WHERE ${RECEIVES}`)).length > 0

/**
 * Nothing comes in any more when there is no receiver twice in a row: one that begins meanwhile cannot prove whom it is
 * connected to, since the file with the source's authority is empty already. The engine says where its log ends once it
 * has read all of it: it then asks its source for more, in vain.
 */
export async function awaitSealed(instance: Instance, signal: AbortSignal): Promise<LogPosition> {
  const { clock } = instance.surroundings
  await withSession(instance, async ({ query }) => {
    for (let quiet = 0; quiet < 2;) {
      const found = await query(`SELECT 1 WHERE pg_last_wal_receive_lsn() IS NULL UNION ALL
                                 SELECT 1 FROM pg_stat_wal_receiver`)
      quiet = found.length === 0 ? quiet + 1 : 0
      signal.throwIfAborted()
      if (quiet < 2) await clock.sleep(SEALED_LOOK_MS, signal)
    }
  })
  return logPosition(instance)
}

export async function logPosition(instance: Instance): Promise<LogPosition> {
  return withSession(instance, async (session) => {
    if (!(await isStandby(session))) {
      const timeline = await timelineOf(session)
      const [row] = await session.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
      assert(row, 'a primary says where its log ends')
      return { role: 'primary', timeline, flushedLsn: row.lsn, replayedLsn: row.lsn, lagSeconds: undefined }
    }
    const [row] = await session.query<{ received: string; replayed: string; timeline: number; lag: number | null }>(
      `SELECT coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::text AS received,
              coalesce(pg_last_wal_replay_lsn(), '0/0')::text AS replayed,
              coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (pg_control_checkpoint()).timeline_id) AS timeline,
              CASE WHEN EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE ${RECEIVES} AND ${HAS_ALL}) THEN 0
                   ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
              END::float8 AS lag`,
    )
    assert(row, 'a standby says how far it is')
    return {
      role: 'standby',
      timeline: row.timeline,
      flushedLsn: row.received,
      replayedLsn: row.replayed,
      lagSeconds: row.lag ?? undefined,
    }
  })
}
