/**
 * Facts about a running engine: its processes as the system counts them, its volume, and what it says of itself. Each
 * source may fail by itself; what it would have said is absent then.
 */
import { majorOf } from '#catalog/postgres-versions.ts'
import { treeUsage } from '#host/process-tree.ts'
import { freeBytes } from '#host/disk.ts'
import { treeBytes } from '#host/tree.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { GATE } from '#wire/postgres/assurance.ts'
import type { EngineFacts } from '../engine.ts'
import { MEASURE_STATEMENT_MS_MAX } from '../limits.ts'
import { dataOf } from './layout.ts'
import { readLockFile } from './lock-file.ts'
import { PEER } from './peer.ts'
import { ADMIN, withSession } from './sql.ts'
import { HAS_ALL, RECEIVES } from './receiving.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

export async function measureEngine(instance: Instance, spec: InstanceSpec, running: boolean): Promise<EngineFacts> {
  const [storage, processes, engine] = await Promise.all([
    orNothing(storageFacts(instance.folder)),
    running ? orNothing(processFacts(instance.folder)) : {},
    running ? orNothing(engineFacts(instance, majorOf(spec.version))) : {},
  ])
  return { ...storage, ...processes, ...engine }
}

async function orNothing(facts: Promise<EngineFacts>): Promise<EngineFacts> {
  try {
    return await facts
  } catch {
    return {}
  }
}

async function storageFacts(folder: string): Promise<EngineFacts> {
  const data = dataOf(folder)
  const logBytes = await treeBytes(`${data}/pg_wal`)
  const slotBytes = await treeBytes(`${data}/pg_replslot`)
  const otherBytes = await treeBytes(data, { exclude: (path) => path === 'pg_wal' || path === 'pg_replslot' })
  return { logBytes, slotBytes, storageBytes: logBytes + slotBytes + otherBytes, hostFreeBytes: await freeBytes(data) }
}

async function processFacts(folder: string): Promise<EngineFacts> {
  const pid = (await readLockFile(folder))?.pid
  return (pid !== undefined && (await treeUsage(pid))) || {}
}

async function engineFacts(instance: Instance, major: number): Promise<EngineFacts> {
  const rows = await withSession(instance, ({ query }) => query<Answer>(question(major)), {
    statementMs: MEASURE_STATEMENT_MS_MAX,
  })
  // The engine says null for what does not apply, and bigints beyond 2^53 are of no interest here.
  return Object.fromEntries(
    Object.entries(rows[0]!).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  )
}

type Answer = { readonly [K in keyof EngineFacts]?: number | null }

/** PostgreSQL manual, 28.2 "The Cumulative Statistics System", and 9.28 "System Administration Functions". */
function question(major: number): string {
  const columns: Record<string, string> = {
    connections: `(SELECT count(*) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND coalesce(usename, '') NOT IN ('${ADMIN}', '${PEER}', '${GATE}'))`,
    transactionIds: '(SELECT max(age(datfrozenxid)) FROM pg_database)',
    checkpointAgeSeconds:
      'extract(epoch FROM clock_timestamp() - (SELECT checkpoint_time FROM pg_control_checkpoint()))',
    logGeneratedBytes: `CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() - '0/0' END`,
    slotLagBytes: `(SELECT max(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END
      - restart_lsn) FROM pg_replication_slots WHERE NOT temporary)`,
    replicaLagSeconds: REPLICA_LAG,
    ...operations(major),
  }
  const list = Object.entries(columns).map(([name, expression]) => `(${expression})::float8 AS "${name}"`)
  return `SELECT ${list.join(', ')}`
}

/**
 * A standby that has replayed all that its source has is not behind, however long ago the last transaction was. One that
 * receives nothing is not replicating: AWS shows -1.
 */
const REPLICA_LAG = `CASE
  WHEN NOT pg_is_in_recovery() THEN NULL
  WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${RECEIVES}) THEN -1
  WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${HAS_ALL}) THEN 0
  ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END`

const LOG_WRITES = '(SELECT wal_write FROM pg_stat_wal)'

/** The engine counts its operations on files since 16; before, blocks it read and wrote. Writes of the log: since 14. */
function operations(major: number): Record<string, string> {
  if (major >= 16)
    return {
      reads: '(SELECT sum(reads) FROM pg_stat_io)',
      writes: `(SELECT coalesce(sum(writes), 0) + coalesce(sum(extends), 0) FROM pg_stat_io)${major < 18 ? ` + ${LOG_WRITES}` : ''}`,
    }
  const reads = '(SELECT sum(blks_read) FROM pg_stat_database)'
  if (major < 14) return { reads }
  const blocks = 'SELECT buffers_checkpoint + buffers_clean + buffers_backend FROM pg_stat_bgwriter'
  return { reads, writes: `(${blocks}) + ${LOG_WRITES}` }
}
