/**
 * From a base backup and a log to the state of a moment. All of the log is put into pg_wal before the engine starts, so
 * that nothing can be missing halfway; the engine is told to stop at the time, or goes to the end of what is there.
 */
// PostgreSQL 18 manual, 25.3.5, 19.5.6.
import { join } from 'node:path'
import { exists, namesIn, overwriteBytes, readBytes, removeTree, writeFileDurably } from '#host/disk.ts'
import { resizeFile } from '#host/file-stream.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { SEGMENT_BYTES, historyName, segmentName, segmentStart } from '#wire/pg/lsn.ts'
import type { LogPart, Recovery } from '../recovery.ts'
import { giveIdentity, isSegment, newIdentifier } from './control-file.ts'
import { checkSnapshot } from './fill.ts'
import { dataOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

interface At {
  readonly folder: string
  readonly surroundings: Surroundings
}

/** The folder has a base backup's files. Its next start ends in a database of its own, on a new timeline. */
export async function prepareRecovery(
  { folder, surroundings }: At,
  { version }: Pick<InstanceSpec, 'version'>,
  recovery: Recovery,
  signal: AbortSignal,
): Promise<void> {
  const { account, clock, random } = surroundings
  const own = { mode: 0o600, account }
  await checkSnapshot(folder, version)
  const wal = join(dataOf(folder), 'pg_wal')
  for (const { timeline, text } of recovery.histories)
    await writeFileDurably(join(wal, historyName(timeline)), text, own)
  const written = new LogFiles(wal, surroundings)
  for await (const part of recovery.log) {
    signal.throwIfAborted()
    await written.add(part)
  }
  await written.endAt(recovery.until)
  // The log of the original, with everything in it, is that of this cluster from here on, and of no other.
  await giveIdentity(dataOf(folder), newIdentifier(clock, random))
  await writeFileDurably(join(dataOf(folder), 'recovery.signal'), '', own)
  await writeFileDurably(settingsPath(folder), settingsText(recovery), own)
}

/** What the start was told holds for that start alone. */
export async function endRecovery({ folder, surroundings: { account } }: At): Promise<void> {
  await writeFileDurably(settingsPath(folder), '', { mode: 0o600, account })
}

/** Read by the engine after postgresql.conf, so that it holds whatever is configured there. */
const settingsPath = (folder: string): string => join(dataOf(folder), 'postgresql.auto.conf')

function settingsText({ until, time }: Recovery): string {
  const settings = {
    // Everything is in pg_wal; the engine asks all the same, and gets nothing from elsewhere.
    restore_command: '/bin/false',
    recovery_target_timeline: String(until.timeline),
    recovery_target_action: 'promote',
    // Nobody reads before it is what was asked for; and no setting of the original has to be reached before.
    hot_standby: 'off',
    ...(time !== undefined && {
      // Names of zones, Z among them, are not known yet where this is read.
      recovery_target_time: new Date(time).toISOString().replace('T', ' ').replace('Z', '+00'),
      recovery_target_inclusive: 'true',
    }),
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('')
}

/** Segments in pg_wal, of which the base backup has the first ones. */
class LogFiles {
  private readonly folder: string
  private readonly surroundings: Surroundings
  private before: LogPart | undefined

  constructor(folder: string, surroundings: Surroundings) {
    this.folder = folder
    this.surroundings = surroundings
  }

  async add(part: LogPart): Promise<void> {
    const path = this.pathOf(part.timeline, part.lsn)
    if (!(await exists(path))) await this.begin(path, part)
    await overwriteBytes(path, Number(part.lsn - segmentStart(part.lsn)), part.bytes)
    this.before = part
  }

  /** Nothing lies behind the end: neither later log that the base backup brought, nor what a segment had before. */
  async endAt({ timeline, lsn }: { timeline: number; lsn: bigint }): Promise<void> {
    const last = segmentName(timeline, lsn - 1n)
    for (const name of await namesIn(this.folder))
      if (isSegment(name) && name.slice(8) > last.slice(8)) await removeTree(join(this.folder, name))
    const used = Number(lsn - segmentStart(lsn - 1n))
    await resizeFile(join(this.folder, last), used)
    await resizeFile(join(this.folder, last), SEGMENT_BYTES)
  }

  /** A timeline that begins in the middle of a segment has what its parent had up to there, in a file of its own. */
  private async begin(path: string, { timeline, lsn }: LogPart): Promise<void> {
    const { account } = this.surroundings
    const start = segmentStart(lsn)
    const parent = this.before
    const hasParent = parent && parent.timeline !== timeline && segmentStart(parent.lsn) === start
    const copied = hasParent ? await readBytes(this.pathOf(parent.timeline, lsn), 0, Number(lsn - start)) : undefined
    await writeFileDurably(path, copied ?? Buffer.alloc(0), { mode: 0o600, account })
    await resizeFile(path, SEGMENT_BYTES)
  }

  private pathOf(timeline: number, lsn: bigint): string {
    return join(this.folder, segmentName(timeline, lsn))
  }
}
