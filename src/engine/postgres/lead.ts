/** A reader becomes the writer of an epoch: it gets the log to its end, and goes on from there on the epoch's timeline. */
// PostgreSQL source: timeline.c, findNewestTimeLine; xlog.c, StartupXLOG; xlogfuncs.c, pg_promote.
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { exists, namesIn, readBytes, readText, writeFileDurably } from '#host/disk.ts'
import { historyName, lsnText, parseLsn, segmentEnd, segmentName, segmentStart } from '#wire/pg/lsn.ts'
import { RecordScanner } from '#wire/pg/record-scanner.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import { GATE } from '#wire/postgres/assurance.ts'
import type { EpochStarted, ObservedVolume } from '#wire/agent/volume.ts'
import type { HeadWriter } from '#wire/head/messages.ts'
import { EngineError } from '../engine.ts'
import { LEAD_LOOK_MS, PROBE_STATEMENT_MS_MAX, PROMOTION_S_MAX } from '../limits.ts'
import { VolumeDiverged } from '../volume-engine.ts'
import { HEAD, logFolderOf, RESERVED } from './attachment.ts'
import { socketsOf } from './layout.ts'
import { lacksRoom, obstacleInLog } from './obstacle.ts'
import { PEER, peerPassword } from './peer.ts'
import { RECEIVES } from './receiving.ts'
import { ADMIN, isStandby, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import { timelineOf } from './standby.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** Ends the sessions of clients. The engine has read a configuration that lets in no others. */
export async function endSessions({ folder, surroundings }: Instance): Promise<void> {
  await withSession({ folder, surroundings }, async ({ query }) => {
    const end = (): Promise<unknown[]> =>
      query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND usename <> ALL ($1)`,
        [[ADMIN, GATE]],
      )
    while ((await end()).length > 0) await surroundings.clock.sleep(LEAD_LOOK_MS)
  })
}

/**
 * Resolves when the reader has on its disk what the log has up to `end`, which may lie within a record. Throws
 * {@link VolumeDiverged} when it has applied more than there is: it was a writer, and its last words were not heard.
 */
export async function awaitLog({ folder, surroundings }: Instance, end: number, signal: AbortSignal): Promise<void> {
  await withSession({ folder, surroundings }, async (session) => {
    for (;;) {
      if (!(await isStandby(session))) return
      const [row] = await session.query<{ received: string; applied: string }>(
        `SELECT coalesce(pg_last_wal_receive_lsn(), '0/0')::text AS received,
                coalesce(pg_last_wal_replay_lsn(), '0/0')::text AS applied`,
      )
      assert(row, 'a reader says how far it is')
      const applied = Number(parseLsn(row.applied))
      if (applied > end && applied === segmentEnd(end) && (await endsInSwitch(folder, end))) return
      if (applied > end)
        throw new VolumeDiverged(`the engine has applied ${row.applied}, beyond ${lsnText(BigInt(end))}`)
      if (applied === end || Number(parseLsn(row.received)) >= end) return
      await surroundings.clock.sleep(LEAD_LOOK_MS, signal)
    }
  })
}

/**
 * Whether the log that is here ends with a switch of segments, `end` lying behind it: a reader that has applied it is at the
 * end of the segment, of which nobody needs to have the empty rest.
 */
async function endsInSwitch(folder: string, end: number): Promise<boolean> {
  const start = Number(segmentStart(BigInt(end)))
  const suffix = segmentName(1, BigInt(end)).slice(TIMELINE_DIGITS)
  const isSegment = (name: string): boolean => name.length === SEGMENT_NAME_DIGITS && name.endsWith(suffix)
  // Of several timelines that have it, the last one has what the others have of it.
  const newest = (await namesIn(logFolderOf(folder))).filter(isSegment).toSorted().at(-1)
  const bytes = newest === undefined ? undefined : await readBytes(join(logFolderOf(folder), newest), 0, end - start)
  if (bytes?.length !== end - start) return false
  const records = new RecordScanner(start)
  records.feed(bytes)
  return records.isBehindSwitch
}

const TIMELINE_DIGITS = 8
const SEGMENT_NAME_DIGITS = 24

/** Promotes the reader onto the timeline of the epoch. Done already: says the same again. */
export async function lead(instance: Instance, epoch: number, signal: AbortSignal): Promise<EpochStarted> {
  const { folder, surroundings } = instance
  const timeline = await withSession(instance, async (session) => {
    if (await isStandby(session)) {
      await reserveBefore(instance, epoch, session)
      await session.query('SELECT pg_promote(false)')
      const until = surroundings.clock.monotonic() + PROMOTION_S_MAX * 1_000
      while (await isStandby(session)) {
        if (surroundings.clock.monotonic() > until)
          throw new EngineError('failed', 'the reader was not promoted in time')
        await surroundings.clock.sleep(LEAD_LOOK_MS, signal)
      }
    }
    return timelineOf(session)
  })
  if (timeline !== epoch) throw new EngineError('failed', `the engine writes timeline ${timeline} and not ${epoch}`)
  const started = await startOf(folder, epoch)
  if (!started) throw new EngineError('failed', `the engine has no history of timeline ${epoch}`)
  return started
}

async function reserveBefore({ folder, surroundings }: Instance, epoch: number, { query }: Session): Promise<void> {
  // What the engine has applied since its last restartpoint may be of later ones: their histories are there, and stay.
  const [row] = await query<{ timeline: number }>('SELECT timeline_id AS timeline FROM pg_control_checkpoint()')
  assert(row, 'a reader has a control file')
  for (let timeline = row.timeline + 1; timeline < epoch; timeline++) {
    const path = join(logFolderOf(folder), historyName(timeline))
    if (await exists(path)) continue
    await writeFileDurably(path, RESERVED, { mode: 0o600, account: surroundings.account })
  }
}

/** Where the epoch begins in the log that is here; undefined: nowhere. */
async function startOf(folder: string, epoch: number): Promise<EpochStarted | undefined> {
  const text = await readText(join(logFolderOf(folder), historyName(epoch)))
  const parent = text === undefined ? undefined : parseHistory(text).at(-1)
  return parent && { start: Number(parent.endsAt), after: parent.timeline }
}

/** Has the running writer write a checkpoint that needs nothing before `since`: gives the position of its record. */
export async function checkpoint(instance: Instance, since: number): Promise<number> {
  return withSession(instance, async (session) => {
    if (await isStandby(session)) throw new EngineError('failed', 'only a writer adds to the log')
    const last = async (): Promise<{ at: number; redo: number }> => {
      const [row] = await session.query<{ at: string; redo: string }>(
        'SELECT checkpoint_lsn::text AS at, redo_lsn::text AS redo FROM pg_control_checkpoint()',
      )
      assert(row, 'an engine has a control file')
      return { at: Number(parseLsn(row.at)), redo: Number(parseLsn(row.redo)) }
    }
    const before = await last()
    if (before.redo >= since) return before.at
    await session.query('CHECKPOINT')
    return (await last()).at
  })
}

/** By the socket that its configuration says. */
export async function headLogin({ folder, surroundings }: Instance, port: number): Promise<HeadWriter> {
  return {
    socketFolder: await socketsOf(folder, port, surroundings.account),
    port,
    user: PEER,
    password: peerPassword(surroundings),
    name: HEAD,
  }
}

const BRIEF = { statementMs: PROBE_STATEMENT_MS_MAX }

/** Undefined when the engine cannot be asked. */
export async function observeVolume(instance: Instance): Promise<ObservedVolume | undefined> {
  try {
    return await withSession(instance, (session) => observe(instance.folder, session), BRIEF)
  } catch {
    return undefined
  }
}

/** Of a row of the receiver: what is applied here is what the log node shows. An old writer may have more. */
const HAS_NO_MORE = 'pg_last_wal_replay_lsn() <= latest_end_lsn'

async function observe(folder: string, session: Session): Promise<ObservedVolume> {
  if (!(await isStandby(session))) {
    const epoch = await timelineOf(session)
    const started = await startOf(folder, epoch)
    return { isWriter: true, epoch, isStreaming: false, ...(started && { started }) }
  }
  const [row] = await session.query<{ epoch: number; streaming: boolean }>(
    `SELECT coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (pg_control_checkpoint()).timeline_id) AS epoch,
            EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${RECEIVES} AND ${HAS_NO_MORE}) AS streaming`,
  )
  assert(row, 'a reader says what it follows')
  const obstacle = (await lacksRoom(folder, session))
    ? 'settings'
    : row.streaming
      ? undefined
      : await obstacleInLog(folder)
  return { isWriter: false, epoch: row.epoch, isStreaming: row.streaming, ...(obstacle && { obstacle }) }
}
