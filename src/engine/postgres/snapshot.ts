/**
 * A physical copy of a data folder. Of a running engine it is taken in PostgreSQL's backup mode: files are copied while
 * they change, and the WAL that was written meanwhile, which is copied after them, makes them consistent when the copy
 * is first started.
 */
// PostgreSQL 18 manual, 25.3.4 (low level API), and 25.3.4.3 for what is left out.
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { majorOf } from '#catalog/postgres-versions.ts'
import { makeFolder, namesIn, writeFileDurably } from '#host/disk.ts'
import { copyTree, syncTree } from '#host/tree.ts'
import type { InstanceSpec, SnapshotFacts } from '#wire/agent/messages.ts'
import { EngineError } from '../engine.ts'
import { CONTROL_FILE_TRIES_MAX } from '../limits.ts'
import { isSegment, isUnbroken, readControlFile, segmentOf } from './control-file.ts'
import { dataOf, manifestOf } from './layout.ts'
import { sqlStateOf, isStandby, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Job {
  readonly folder: string
  readonly spec: InstanceSpec
  readonly target: string
  readonly signal: AbortSignal
}

/** Complete and durable when this resolves. */
export async function takeSnapshot(job: Job, running: boolean, surroundings: Surroundings): Promise<SnapshotFacts> {
  const { spec, target } = job
  const { account, clock } = surroundings
  await makeFolder(target, { mode: 0o700, account })
  const { sizeBytes, ...place } = running ? await copyRunning(job, surroundings) : await copyStopped(job, surroundings)
  const manifest = { format: 1, engine: spec.engine, version: spec.version, takenAt: clock.now(), sizeBytes }
  await writeFileDurably(manifestOf(target), `${JSON.stringify(manifest)}\n`, { mode: 0o600, account })
  await syncTree(target)
  return { sizeBytes, engineVersion: spec.version, ...place }
}

/** Contents of these folders mean something only to the processes that wrote them; the empty folders are needed. */
const transientFolders = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]
/** The signal files say what the engine is, which a copy need not be. */
const transientFiles = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'current_logfiles',
  'core',
  'promote',
  'standby.signal',
  'recovery.signal',
])

function isTransient(path: string): boolean {
  const [first = '', ...rest] = path.split('/')
  if (rest.length > 0 && transientFolders.includes(first)) return true
  const name = rest.at(-1) ?? first
  return transientFiles.has(path) || name.startsWith('pgsql_tmp') || name.startsWith('pg_internal.init')
}

type Copied = Pick<SnapshotFacts, 'sizeBytes' | 'log'>

async function copyStopped({ folder, target, signal }: Job, { account }: Surroundings): Promise<Copied> {
  const { bytes } = await copyTree(dataOf(folder), dataOf(target), { account, signal, exclude: isTransient })
  return { sizeBytes: bytes }
}

async function copyRunning(job: Job, surroundings: Surroundings): Promise<Copied> {
  const major = majorOf(job.spec.version)
  return withSession({ folder: job.folder, surroundings }, async (session) => {
    await keepWal(session, surroundings)
    await session.query(
      major >= 15 ? `SELECT pg_backup_start('snapshot', true)` : `SELECT pg_start_backup('snapshot', true, false)`,
    )
    const bytes = await copyLive(job, surroundings)
    // Where it fails or is cancelled, the end of the session takes the engine out of backup mode.
    const end = (await isStandby(session)) ? await endOnStandby(session, major) : await endBackup(session, major)
    if (job.spec.volume && !(await isStandby(session))) await awaitDurable(session)
    const endedAt = surroundings.clock.now()
    return {
      sizeBytes: bytes + (await copyWal(job, end, surroundings)),
      log: { ...placeOf(end.label), end: end.lsn, endedAt },
    }
  })
}

/**
 * What a writer of a cluster volume has on its own disk may be cut off with its epoch. A commit that was acknowledged makes
 * sure of everything before it; it is never cancelled, and ends with the engine.
 */
async function awaitDurable({ query }: Session): Promise<void> {
  await query(`SELECT pg_logical_emit_message(true, 'rds_snapshot', '')`)
}

/**
 * A slot, which goes with the session, keeps every segment from now on. An instance may be allowed none, or have used
 * them up; then a checkpoint may take away a segment too early, which is found out in the end.
 */
async function keepWal({ query }: Session, { random }: Surroundings): Promise<void> {
  try {
    const name = `rds_snapshot_${random.bytes(4).toString('hex')}`
    await query('SELECT pg_create_physical_replication_slot($1, true, true)', [name])
  } catch (error) {
    if (!['55000', '53400'].includes(sqlStateOf(error) ?? '')) throw error
  }
}

async function copyLive({ folder, target, signal }: Job, { account }: Surroundings): Promise<number> {
  const isControl = (path: string): boolean => path === 'global/pg_control'
  const exclude = (path: string): boolean => isTransient(path) || path.startsWith('pg_wal/') || isControl(path)
  const { bytes } = await copyTree(dataOf(folder), dataOf(target), { account, signal, live: true, exclude })
  const controlOnly = { account, exclude: (path: string) => path !== 'pg_control' }
  // Last: of a standby it says how far the log has to be applied to what was copied before.
  for (let attempt = 0; attempt < CONTROL_FILE_TRIES_MAX; attempt++) {
    await copyTree(join(dataOf(folder), 'global'), join(dataOf(target), 'global'), controlOnly)
    if (await readControlFile(dataOf(target))) return bytes
  }
  throw new EngineError('failed', 'pg_control could not be read in one piece')
}

function placeOf(label: string): { timeline: number; start: string } {
  const start = /^START WAL LOCATION: (\S+)/m.exec(label)?.[1]
  const timeline = /^START TIMELINE: (\d+)/m.exec(label)?.[1]
  assert(start !== undefined && timeline !== undefined, 'a backup label says where the backup began')
  return { timeline: Number(timeline), start }
}

interface BackupEnd {
  readonly label: string
  readonly tablespaces: string
  readonly lastSegment: string
  readonly lsn: string
}

async function endBackup({ query }: Session, major: number): Promise<BackupEnd> {
  const call = major >= 15 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)'
  // The end may lie on the border to a segment that nobody has begun. From 17 on the function would name that one.
  const lastByte = major >= 17 ? 'lsn - 1::numeric' : 'lsn'
  const rows = await query<{ label: string; tablespaces: string; segment: string; lsn: string }>(
    `SELECT labelfile AS label, spcmapfile AS tablespaces, pg_walfile_name(${lastByte}) AS segment, lsn::text AS lsn
       FROM ${call}`,
  )
  const { label, tablespaces, segment, lsn } = rows[0]!
  return { label, tablespaces, lastSegment: segment, lsn }
}

/**
 * A standby writes no record of the end: the copy is consistent once it has applied what pg_control, which was copied
 * last, says had been applied then. It gets all that the standby has received, applied or not: a commit that waited for
 * the standby was acknowledged because of that.
 */
async function endOnStandby({ query }: Session, major: number): Promise<BackupEnd> {
  const call = major >= 15 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)'
  const rows = await query<{ label: string; tablespaces: string; lsn: string }>(
    `SELECT labelfile AS label, spcmapfile AS tablespaces, greatest(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn())::text AS lsn
       FROM ${call}`,
  )
  const { label, tablespaces, lsn } = rows[0]!
  const timeline = /^START TIMELINE: (\d+)/m.exec(label)?.[1]
  return { label, tablespaces, lastSegment: segmentOf(Number(timeline), lsn), lsn }
}

async function copyWal(job: Job, end: BackupEnd, { account }: Surroundings): Promise<number> {
  const { folder, target, signal } = job
  const firstSegment = /^START WAL LOCATION: .*\(file ([0-9A-F]{24})\)/m.exec(end.label)?.[1] ?? ''
  const [from, to] = [join(dataOf(folder), 'pg_wal'), join(dataOf(target), 'pg_wal')]
  const names = (await namesIn(from)).filter(
    (name) => isSegment(name) && name >= firstSegment && name <= end.lastSegment,
  )
  if (!isUnbroken(names, firstSegment, end.lastSegment)) {
    throw new EngineError(
      'failed',
      'the engine recycled WAL that the snapshot needs; allow it a replication slot (max_replication_slots)',
    )
  }
  const wanted = new Set(names)
  const isUnwanted = (path: string): boolean => !wanted.has(path) && !path.endsWith('.history')
  const { bytes } = await copyTree(from, to, { account, signal, exclude: isUnwanted })
  await writeFileDurably(join(dataOf(target), 'backup_label'), end.label, { mode: 0o600, account })
  if (end.tablespaces !== '') {
    await writeFileDurably(join(dataOf(target), 'tablespace_map'), end.tablespaces, { mode: 0o600, account })
  }
  return bytes
}
