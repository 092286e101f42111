/** Why a standby does not follow its source and never will by itself: what it says in its log, and what it runs with. */
import type { ReplicationObstacle } from '#wire/agent/replication.ts'
import { readControlFile } from './control-file.ts'
import { dataOf } from './layout.ts'
import { lastWords } from './logs.ts'
import type { Session } from './sql.ts'

/**
 * In PostgreSQL's own words, which our engines write untranslated; the receiver repeats them with each attempt.
 * PostgreSQL source: walsender.c, walreceiver.c, xlogrecovery.c, slot.c.
 */
const WORDS: readonly (readonly [RegExp, ReplicationObstacle | undefined])[] = [
  // What was said before is over, unless it is said again: a segment that is gone is only missed after this.
  [/started streaming WAL from primary at|restarted WAL streaming at/, undefined],
  [/requested WAL segment \S+ has already been removed/, 'log-removed'],
  [/can no longer (?:access|get changes from) replication slot/, 'log-removed'],
  [/requested starting point \S+ on timeline \d+ is not in this server's history/, 'diverged'],
  [/new timeline \d+ forked off current database system timeline \d+ before current recovery point/, 'diverged'],
  [/highest timeline \d+ of the primary is behind recovery timeline \d+/, 'diverged'],
  [/requested timeline \d+ is not a child of this server's history/, 'diverged'],
  [/database system identifier differs between the primary and standby/, 'diverged'],
]

/** The last that the log says of it. */
export function obstacleIn(log: string): ReplicationObstacle | undefined {
  let last: { readonly at: number; readonly is: ReplicationObstacle | undefined } | undefined
  for (const [words, is] of WORDS) {
    const at = [...log.matchAll(new RegExp(words, 'g'))].at(-1)?.index
    if (at !== undefined && at > (last?.at ?? -1)) last = { at, is }
  }
  return last?.is
}

/** Of a standby that does not stream. */
export const obstacleInLog = async (folder: string): Promise<ReplicationObstacle | undefined> =>
  obstacleIn(await lastWords(folder))

/**
 * Whether the source allows more than this standby was started with: it then stops applying the log (from major 14 on),
 * or stopped altogether. Its control file has what the source runs with.
 * PostgreSQL 18 manual, 26.4.3 (administrator's overview of hot standby).
 */
export async function lacksRoom(folder: string, { query }: Session): Promise<boolean> {
  const needed = (await readControlFile(dataOf(folder)))?.upstreamSettings ?? {}
  const rows = await query<{ name: string; value: number }>(
    'SELECT name, setting::int AS value FROM pg_settings WHERE name = ANY ($1)',
    [Object.keys(needed)],
  )
  return rows.some(({ name, value }) => value < needed[name]!)
}
