/** Log for a running standby that comes from elsewhere than its source. */
// PostgreSQL source: xlogrecovery.c, WaitForWALToBecomeAvailable: between two attempts to stream, pg_wal is looked at.
import { join } from 'node:path'
import { exists, makeFolder, removeTree, renameDurably, writeFileDurably } from '#host/disk.ts'
import { historyName, parseLsn, segmentName } from '#wire/pg/lsn.ts'
import { EngineError } from '../engine.ts'
import type { LogSegment, LogWanted, TimelineHistory } from '../recovery.ts'
import { dataOf, givenLogOf } from './layout.ts'
import { RECEIVES } from './receiving.ts'
import { withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** What the process that applies log waits for when it has none: in the words of version 12, of 13 and later, of both. */
const IDLE = ['RecoveryWalAll', 'RecoveryRetrieveRetryInterval', 'RecoveryWalStream']

/**
 * The engine tells its timeline by its control file, which it writes now and then. `isExact`: it writes it first, so that
 * a timeline whose first checkpoint it has applied is in there.
 */
export async function logWanted(instance: Instance, isExact: boolean): Promise<LogWanted> {
  return withSession(instance, async ({ query }) => {
    if (isExact) await query('CHECKPOINT')
    const [row] = await query<{ lsn: string | null; timeline: number; idle: boolean; receiver: number | null }>(
      `SELECT pg_last_wal_replay_lsn()::text AS lsn,
              greatest((pg_control_checkpoint()).timeline_id, (pg_control_recovery()).min_recovery_end_timeline) AS timeline,
              EXISTS (SELECT 1 FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = ANY ($1)) AS idle,
              (SELECT pid FROM pg_stat_wal_receiver WHERE ${RECEIVES}) AS receiver
        WHERE pg_is_in_recovery()`,
      [IDLE],
    )
    if (!row?.lsn) throw new EngineError('failed', 'the engine is no standby')
    return {
      timeline: row.timeline,
      lsn: parseLsn(row.lsn),
      isIdle: row.idle,
      receiverPid: row.receiver ?? undefined,
    }
  })
}

/**
 * The engine may have a file of that name: what it had received of the segment before, or an old one that it keeps for
 * use as a new one. It sees either that or the whole segment, never a part. Where it receives the segment from its source
 * after all, both have the same bytes.
 */
export async function giveLog(
  { folder, surroundings: { account } }: Instance,
  { timeline, start, bytes }: LogSegment,
  histories: readonly TimelineHistory[],
): Promise<void> {
  const draft = givenLogOf(folder)
  // What an agent that died left of the last segment.
  await removeTree(draft)
  await makeFolder(draft, { mode: 0o700, account })
  const lay = async (name: string, content: string | Uint8Array): Promise<void> => {
    await writeFileDurably(join(draft, name), content, { mode: 0o600, account })
    await renameDurably(join(draft, name), join(dataOf(folder), 'pg_wal', name))
  }
  try {
    for (const history of histories) {
      const name = historyName(history.timeline)
      if (!(await exists(join(dataOf(folder), 'pg_wal', name)))) await lay(name, history.text)
    }
    await lay(segmentName(timeline, start), bytes)
  } finally {
    await removeTree(draft)
  }
}
